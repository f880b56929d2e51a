import { readRowCondition } from '../config/row-condition.ts'
import type { TableCatalogue } from './table-catalogue.ts'
import type { CapturedTable } from './queries/capture.ts'
import { displayName, type TableDescription } from './table-description.ts'

/** A table on both servers, ready to be applied; or the reason why it cannot be. */
export interface TablePair {
  readonly name: string
  readonly tableId: number
  readonly source: TableDescription
  readonly target: TableDescription
  readonly capture: 'key' | 'wholeTable'
}

export interface TablePairing {
  readonly pairs: readonly TablePair[]
  /** Tables that differ between the servers; they cannot be applied now. */
  readonly broken: readonly {
    readonly schema: string
    readonly name: string
    readonly tableId: number
    readonly reason: string
  }[]
}

/** Matches the tables of the active with ours. Exclusions of either side count on both. */
export function pairTables(
  captured: readonly CapturedTable[],
  source: TableCatalogue,
  target: TableCatalogue,
): TablePairing {
  const pairs: TablePair[] = []
  const broken: TablePairing['broken'][number][] = []
  for (const capture of captured) {
    const name = displayName(capture)
    const theirs = source.tables.find((table) => displayName(table) === name)
    const ours = target.tables.find((table) => displayName(table) === name)
    if (isExcludedHere(target, name) || (theirs === undefined && ours === undefined)) continue
    const reason = difference(theirs, ours) ?? unreadableFilter(capture)
    const id = { schema: capture.schema, name: capture.name, tableId: capture.tableId }
    if (theirs === undefined || ours === undefined || reason !== null) {
      broken.push({ ...id, reason: reason ?? 'it is missing' })
      continue
    }
    const excluded = new Set([
      ...capture.excludedColumns,
      ...ours.columns.filter((column) => column.excluded).map((column) => column.name),
    ])
    const filters = [
      ...new Set([capture.rowFilter, ours.rowFilter].filter((filter) => filter !== null)),
    ]
    const rowFilter = filters.length === 0 ? null : filters.join(' or ')
    pairs.push({
      name,
      tableId: capture.tableId,
      source: defaultsLike(withExclusions(theirs, excluded, rowFilter), ours),
      target: orderedLike(withExclusions(ours, excluded, rowFilter), theirs),
      capture: capture.capture,
    })
  }
  return { pairs, broken: [...broken, ...uncaptured(captured, source, target)] }
}

/** Of a table that is new on the active, until that has looked at it. */
export const NOT_CAPTURED = 'the active server does not capture it; run `hot-standby migrate` there'

/** A table that appeared since capture was reconciled must not be missing in silence. */
function uncaptured(
  captured: readonly CapturedTable[],
  source: TableCatalogue,
  target: TableCatalogue,
): TablePairing['broken'] {
  const known = new Set(captured.map(displayName))
  return source.tables
    .filter(
      (table) => !known.has(displayName(table)) && !isExcludedHere(target, displayName(table)),
    )
    .map(({ schema, name }) => ({
      schema,
      name,
      tableId: 0,
      reason: NOT_CAPTURED,
    }))
}

function isExcludedHere(target: TableCatalogue, name: string): boolean {
  return target.notReplicated.some(
    (entry) => entry.kind === 'table' && entry.why === 'excluded' && entry.name === name,
  )
}

/** It comes from the other server's database and becomes part of statements here. */
function unreadableFilter({ rowFilter }: CapturedTable): string | null {
  const problem = rowFilter === null ? null : readRowCondition(rowFilter).problem
  if (problem === null) return null
  return `the active's condition for rows that are left out ${problem.split(' | ')[0] ?? ''}`
}

function difference(
  theirs: TableDescription | undefined,
  ours: TableDescription | undefined,
): string | null {
  if (theirs === undefined) return 'the active server has capture for it, but not the table'
  if (ours === undefined) return 'the table is missing on the standby'
  if (theirs.structure === ours.structure) return null
  return `the tables differ: ${describeDifference(theirs, ours)}`
}

function describeDifference(theirs: TableDescription, ours: TableDescription): string {
  const lines: string[] = []
  for (const column of theirs.columns) {
    const own = ours.columns.find((other) => other.name === column.name)
    if (own === undefined) lines.push(`column ${column.name} is missing on the standby`)
    else if (own.type !== column.type) {
      lines.push(
        `column ${column.name} is ${column.type} on the active and ${own.type} on the standby`,
      )
    } else if (own.notNull !== column.notNull || own.generated !== column.generated) {
      lines.push(`column ${column.name} is defined differently`)
    }
  }
  for (const column of ours.columns) {
    const known = theirs.columns.some((other) => other.name === column.name)
    if (!known) lines.push(`column ${column.name} is missing on the active`)
  }
  return lines.length === 0 ? 'key, enum labels or kind of table' : lines.join('; ')
}

function withExclusions(
  table: TableDescription,
  excluded: ReadonlySet<string>,
  rowFilter: string | null,
): TableDescription {
  const columns = table.columns.map((column) => ({
    ...column,
    excluded: excluded.has(column.name),
  }))
  return { ...table, columns, rowFilter }
}

/** Which columns travel depends on the defaults of the side that receives them; both lists must agree. */
function defaultsLike(table: TableDescription, model: TableDescription): TableDescription {
  const columns = table.columns.map((column) => ({
    ...column,
    hasDefault:
      model.columns.find((other) => other.name === column.name)?.hasDefault ?? column.hasDefault,
  }))
  return { ...table, columns }
}

/** COPY sends columns in the order of the active's list, so both lists must be in one order. */
function orderedLike(table: TableDescription, model: TableDescription): TableDescription {
  const order = new Map(model.columns.map((column, index) => [column.name, index]))
  const columns = [...table.columns].sort(
    (a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0),
  )
  const key = model.key === null ? null : keyLike(table, model.key)
  return { ...table, columns, key }
}

function keyLike(
  table: TableDescription,
  model: NonNullable<TableDescription['key']>,
): TableDescription['key'] {
  const columns = model.columns.map((wanted) =>
    table.columns.find((column) => column.name === wanted.name),
  )
  const found = columns.filter((column) => column !== undefined)
  return found.length === model.columns.length ? { slot: model.slot, columns: found } : null
}
