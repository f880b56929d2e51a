import type { CheckReport, StatusDocument, TableStatus } from '../../api/status-document.ts'
import type { HotStandbyError } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'
import { differencesModel } from './differences-model.ts'
import { listTables, TABLE_SORTS, type TableList, type TableListQuery } from '../table-list.ts'
import { copyModel } from './copy-model.ts'
import { fieldView, formError } from './field-view.ts'
import { operationOf } from './operation-model.ts'
import { phasePill } from './words.ts'

const WHY = { excluded: 'info', impossible: 'warning' } as const

/** The synchronisation page. */
export function synchronisationModel(
  status: StatusDocument,
  error: HotStandbyError | null,
  query: TableListQuery,
  language: Language,
): object {
  const { replication, server } = status
  const { t, ago, count, moment } = language
  const quarantined = replication.tables.filter((table) => table.state === 'quarantined')
  const list = listTables(replication.tables, query)
  const problems = error?.details.fields ?? []
  const isPaired = status.setUp === 'paired'
  /** Short, because there are many; the time itself is in its title. */
  const agoOf = (iso: string | null): object | null =>
    iso === null ? null : { ...moment(iso), ago: ago(iso, status.at) }
  return {
    isPaired,
    phase: phasePill(replication.phase, language),
    reason: replication.reason,
    inSync: replication.inSync,
    quarantined: quarantined.length,
    search: query.search,
    list: listModel(list, query, language),
    tables: list.tables.map((table) => ({
      ...table,
      isQuarantined: table.state === 'quarantined',
      isWhole: table.capture === 'wholeTable',
      capture: t(`capture.${table.capture}`),
      rows: count(table.rows),
      lag: lagOf(table, language),
      lastChange: agoOf(table.lastChangeAt),
      lastChecked: agoOf(table.lastCheckedAt),
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

function lagOf({ lag }: TableStatus, { t, duration }: Language): string | null {
  if (lag === null) return null
  if (lag.rows === 0) return t('replication.noLag')
  return t('tables.lag', { age: duration(lag.ageMs), rows: lag.rows })
}

/** What stands around the table: how much was found, the other pages, and the order that each heading asks for. */
function listModel(list: TableList, query: TableListQuery, { t }: Language): object {
  const address = (change: Readonly<Record<string, string>>): string => {
    const { search, sort, isDescending } = query
    const order = isDescending ? 'descending' : ''
    const all = { search, sort: sort === 'state' ? '' : sort, order, ...change }
    return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== '')).toString()
  }
  const pageAddress = (page: number): string | null =>
    page < 1 || page > list.pages ? null : address({ page: String(page) })
  return {
    found: list.found,
    all: list.all,
    page: list.page,
    pages: list.pages,
    previous: pageAddress(list.page - 1),
    next: pageAddress(list.page + 1),
    headings: TABLE_SORTS.map((sort) => {
      const isSorted = sort === query.sort
      const order = isSorted && !query.isDescending ? 'descending' : ''
      return {
        title: t(`tables.column.${sort}`),
        query: address({ sort, order }),
        ariaSort: isSorted ? (query.isDescending ? 'descending' : 'ascending') : null,
        arrow: isSorted ? (query.isDescending ? '▼' : '▲') : '',
      }
    }),
  }
}

function checkModel(check: CheckReport | null, language: Language): object | null {
  if (check === null) return null
  const { duration, moment } = language
  const isEqual = check.differences.length === 0
  return {
    at: moment(check.at)?.text,
    duration: duration(check.durationMs),
    tables: check.tables,
    rows: check.rows,
    isEqual,
    repaired: check.repaired,
    canRepair: !isEqual && !check.repaired,
    differences: differencesModel(check.differences, language),
  }
}
