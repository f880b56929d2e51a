import type { CheckReport, StatusDocument } from '../../api/status-document.ts'
import type { HotStandbyError } from '../../errors.ts'
import { fieldView } from './field-view.ts'
import { count, duration, moment } from './format.ts'
import { operationOf } from './operation-model.ts'
import { formError } from './set-up-model.ts'
import { copyModel } from './status-model.ts'
import { PHASE } from './words.ts'

const CAPTURE = { key: 'row by row', wholeTable: 'whole table at once' } as const
const KIND = { table: 'table', column: 'column', rows: 'rows', object: 'object' } as const
const WHY = {
  excluded: { title: 'left out on purpose', tone: 'info' },
  impossible: { title: 'not possible', tone: 'warning' },
} as const

/** The synchronisation page. */
export function synchronisationModel(
  status: StatusDocument,
  error: HotStandbyError | null,
): object {
  const { replication, server } = status
  const quarantined = replication.tables.filter((table) => table.state === 'quarantined')
  const others = replication.tables.filter((table) => table.state !== 'quarantined')
  const problems = error?.details.fields ?? []
  const isPaired = status.setUp === 'paired'
  return {
    isPaired,
    phase: PHASE[replication.phase],
    reason: replication.reason,
    inSync: replication.inSync,
    quarantined: quarantined.length,
    tables: [...quarantined, ...others].map((table) => ({
      ...table,
      isQuarantined: table.state === 'quarantined',
      capture: CAPTURE[table.capture],
      rows: count(table.rows),
      lastChange: moment(table.lastChangeAt),
      lastChecked: moment(table.lastCheckedAt),
    })),
    notReplicated: replication.notReplicated.map((part) => ({
      ...part,
      kind: KIND[part.kind],
      why: WHY[part.why],
    })),
    check: checkModel(replication.lastCheck),
    copy: replication.initialCopy === null ? null : copyModel(replication.initialCopy),
    operation: operationOf(status.operation, 'check', 'resynchronise'),
    canResynchronise: isPaired && server.role === 'standby',
    typed: fieldView({ name: 'typed', label: 'Type resynchronise to confirm' }, {}, problems),
    error: error === null ? null : formError(error),
  }
}

function checkModel(check: CheckReport | null): object | null {
  if (check === null) return null
  const isEqual = check.differences.length === 0
  return {
    at: moment(check.at),
    duration: duration(check.durationMs),
    tables: count(check.tables),
    rows: count(check.rows),
    isEqual,
    repaired: check.repaired,
    canRepair: !isEqual && !check.repaired,
    differences: check.differences.map((difference) => ({
      ...difference,
      keys: difference.keys.join(', '),
    })),
  }
}
