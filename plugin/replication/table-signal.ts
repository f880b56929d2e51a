import { createHash } from 'node:crypto'
import type { TableSignal } from './queries/catalogue.ts'
import { excludedColumns } from './table-description.ts'
import type { TablePair } from './table-pairs.ts'

/** With what is left out: rows and columns that come back were missed, however equal the tables look. */
export function signalOf({ target }: TablePair, signal: TableSignal): string {
  const columns = excludedColumns(target).map(({ name }) => name)
  if (columns.length === 0 && target.rowFilter === null) return textOf(signal)
  const text = JSON.stringify([columns.toSorted(), target.rowFilter])
  const leftOut = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return `${signal.structure} ${leftOut}/${signal.files}`
}

export function textOf(signal: TableSignal): string {
  return `${signal.structure}/${signal.files}`
}

/** Changes when a table comes, goes or changes its definition. */
export function structuresOf(signals: ReadonlyMap<number, TableSignal>): string {
  return [...signals].map(([id, signal]) => `${id}=${signal.structure}`).join()
}
