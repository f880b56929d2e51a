import type { OperationStatus } from '../../api/status-document.ts'
import { moment } from './format.ts'
import { OPERATION } from './words.ts'

const OUTCOME = {
  running: { title: 'under way', tone: 'info' },
  done: { title: 'done', tone: 'good' },
  failed: { title: 'failed', tone: 'bad' },
} as const

/** What was asked for last, step by step. */
export function operationModel(operation: OperationStatus | null): object | null {
  if (operation === null) return null
  return {
    title: OPERATION[operation.kind],
    outcome: OUTCOME[operation.outcome],
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
  ...kinds: readonly OperationStatus['kind'][]
): object | null {
  return operation !== null && kinds.includes(operation.kind) ? operationModel(operation) : null
}
