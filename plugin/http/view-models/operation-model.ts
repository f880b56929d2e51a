import type { OperationStatus } from '../../api/status-document.ts'
import type { Language } from '../i18n/language.ts'
import { operationTitle } from './words.ts'

const OUTCOME = {
  running: 'info',
  done: 'good',
  failed: 'bad',
} as const

/** What was asked for last, step by step. */
export function operationModel(
  operation: OperationStatus | null,
  language: Language,
): object | null {
  if (operation === null) return null
  const { moment, t } = language
  return {
    title: operationTitle(operation.kind, language),
    outcome: { title: t(`outcome.${operation.outcome}`), tone: OUTCOME[operation.outcome] },
    isRunning: operation.outcome === 'running',
    reason: operation.reason,
    started: moment(operation.startedAt),
    finished: moment(operation.finishedAt),
    steps: operation.steps.map((step) => ({ at: moment(step.at), text: step.text })),
  }
}

/** The operation when it is one of these kinds. */
export function operationOf(
  operation: OperationStatus | null,
  language: Language,
  ...kinds: readonly OperationStatus['kind'][]
): object | null {
  return operation !== null && kinds.includes(operation.kind)
    ? operationModel(operation, language)
    : null
}
