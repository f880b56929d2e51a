import { type Queryable, textRow } from '../../db/transaction.ts'
import { fromTable, replicatedRows, type TableDescription } from '../table-description.ts'

/** Counted to here; beyond it PostgreSQL's own estimate is near enough, and counting millions of rows takes too long. */
const COUNTED_ROWS = 10_000

/** How many rows of the table are replicated. */
export async function readAmount(
  db: Queryable,
  table: TableDescription,
): Promise<{ readonly rows: number; readonly isExact: boolean }> {
  const row = await textRow(
    db,
    `select count(*)::text as count from (
       select from ${fromTable(table)} where ${replicatedRows(table)} limit ${COUNTED_ROWS + 1}) counted`,
  )
  const rows = Number(row?.['count'] ?? 0)
  if (rows <= COUNTED_ROWS) return { rows, isExact: true }
  return { rows: Math.max(rows, Math.round(table.estimatedRows)), isExact: false }
}
