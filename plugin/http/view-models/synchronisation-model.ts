import type { CheckReport, StatusDocument } from '../../api/status-document.ts'
import type { HotStandbyError } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'
import { copyModel } from './copy-model.ts'
import { fieldView, formError } from './field-view.ts'
import { operationOf } from './operation-model.ts'
import { phasePill } from './words.ts'

const WHY = { excluded: 'info', impossible: 'warning' } as const

/** The synchronisation page. */
export function synchronisationModel(
  status: StatusDocument,
  error: HotStandbyError | null,
  language: Language,
): object {
  const { replication, server } = status
  const { t, count, moment } = language
  const quarantined = replication.tables.filter((table) => table.state === 'quarantined')
  const others = replication.tables.filter((table) => table.state !== 'quarantined')
  const problems = error?.details.fields ?? []
  const isPaired = status.setUp === 'paired'
  return {
    isPaired,
    phase: phasePill(replication.phase, language),
    reason: replication.reason,
    inSync: replication.inSync,
    quarantined: quarantined.length,
    tables: [...quarantined, ...others].map((table) => ({
      ...table,
      isQuarantined: table.state === 'quarantined',
      capture: t(`capture.${table.capture}`),
      rows: count(table.rows),
      lastChange: moment(table.lastChangeAt),
      lastChecked: moment(table.lastCheckedAt),
    })),
    notReplicated: replication.notReplicated.map((part) => ({
      ...part,
      kind: t(`leftOut.kind.${part.kind}`),
      why: { title: t(`leftOut.why.${part.why}`), tone: WHY[part.why] },
    })),
    check: checkModel(replication.lastCheck, language),
    copy: replication.initialCopy === null ? null : copyModel(replication.initialCopy, language),
    operation: operationOf(status.operation, language, 'check', 'resynchronise'),
    canResynchronise: isPaired && server.role === 'standby',
    typed: fieldView(
      { name: 'typed', label: t('field.typed.label', { word: 'resynchronise' }) },
      {},
      problems,
      language,
    ),
    error: error === null ? null : formError(error),
  }
}

function checkModel(check: CheckReport | null, { duration, moment }: Language): object | null {
  if (check === null) return null
  const isEqual = check.differences.length === 0
  return {
    at: moment(check.at)?.text,
    duration: duration(check.durationMs),
    tables: check.tables,
    rows: check.rows,
    isEqual,
    repaired: check.repaired,
    canRepair: !isEqual && !check.repaired,
    differences: check.differences.map((difference) => ({
      ...difference,
      keys: difference.keys.join(', '),
    })),
  }
}
