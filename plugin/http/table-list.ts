import type { TableStatus } from '../api/status-document.ts'

/** What the list of tables can be sorted by. */
export const TABLE_SORTS = ['name', 'state', 'rows', 'lag', 'lastChange', 'lastCheck'] as const
export type TableSort = (typeof TABLE_SORTS)[number]

export interface TableListQuery {
  readonly search: string
  readonly sort: TableSort
  readonly isDescending: boolean
  /** Counts from 1. */
  readonly page: number
}

export interface TableList {
  readonly tables: readonly TableStatus[]
  /** How many the search found, and there are at all. */
  readonly found: number
  readonly all: number
  readonly page: number
  readonly pages: number
}

export const TABLES_ON_A_PAGE = 100

/** Reads the query of the page; what makes no sense is as if it were not there. */
export function tableListQuery(read: (name: string) => string): TableListQuery {
  const sort = TABLE_SORTS.find((name) => name === read('sort')) ?? 'state'
  const page = Number(read('page'))
  return {
    search: read('search').trim().slice(0, 200),
    sort,
    isDescending: read('order') === 'descending',
    page: Number.isInteger(page) && page > 0 ? page : 1,
  }
}

/** Searches, sorts and cuts the list of tables. Where nothing else is asked for, what is wrong stands first. */
export function listTables(tables: readonly TableStatus[], query: TableListQuery): TableList {
  const wanted = query.search.toLowerCase()
  const found = tables.filter(
    ({ name, reason }) =>
      wanted === '' ||
      name.toLowerCase().includes(wanted) ||
      (reason ?? '').toLowerCase().includes(wanted),
  )
  const direction = query.isDescending ? -1 : 1
  const sorted = found.toSorted(
    (a, b) => direction * compare(KEYS[query.sort](a), KEYS[query.sort](b)) || byName(a, b),
  )
  const pages = Math.max(1, Math.ceil(sorted.length / TABLES_ON_A_PAGE))
  const page = Math.min(query.page, pages)
  return {
    tables: sorted.slice((page - 1) * TABLES_ON_A_PAGE, page * TABLES_ON_A_PAGE),
    found: found.length,
    all: tables.length,
    page,
    pages,
  }
}

type Key = string | number | null

const KEYS: Readonly<Record<TableSort, (table: TableStatus) => Key>> = {
  name: ({ name }) => name,
  state: ({ state }) => (state === 'quarantined' ? 0 : 1),
  rows: ({ rows }) => rows,
  lag: ({ lag }) => lag?.ageMs ?? null,
  lastChange: ({ lastChangeAt }) => lastChangeAt,
  lastCheck: ({ lastCheckedAt }) => lastCheckedAt,
}

/** What is not known stands before what is. */
function compare(a: Key, b: Key): number {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  return a < b ? -1 : 1
}

function byName(a: TableStatus, b: TableStatus): number {
  return a.name < b.name ? -1 : 1
}
