import type { QuotedName } from '../../db/identifiers.ts'
import { quoteLiteral, quoteName } from '../../db/identifiers.ts'
import { type Queryable, textRow, textRows } from '../../db/transaction.ts'
import { fromTable, journalKey, type TableDescription } from '../table-description.ts'
import { windowCondition } from './journal.ts'

/** Changes of the own journal that are not in the snapshot; all of them when it is null. */
export async function countUndelivered(
  db: Queryable,
  schema: QuotedName,
  snapshot: string | null,
): Promise<number> {
  const where = snapshot === null ? 'true' : windowCondition(snapshot)
  const row = await textRow(
    db,
    `select count(*)::text as count from ${schema}.journal j where ${where}`,
  )
  return Number(row?.['count'] ?? 0)
}

/** Numbers of the tables that have changes which are not in the snapshot. */
export async function changedTables(
  db: Queryable,
  schema: QuotedName,
  snapshot: string | null,
): Promise<readonly number[]> {
  const where = snapshot === null ? 'true' : windowCondition(snapshot)
  const rows = await textRows(
    db,
    `select distinct j.table_id::text from ${schema}.journal j where ${where}`,
  )
  return rows.map((row) => Number(row['table_id']))
}

/** Keeps the rows of one table that had not been delivered, as they are now, as text. Returns how many. */
export async function keepUnsentRows(
  db: Queryable,
  schema: QuotedName,
  input: {
    readonly table: TableDescription
    readonly tableId: number
    readonly term: number
    readonly snapshot: string | null
  },
): Promise<number> {
  const { table, tableId, term, snapshot } = input
  const where = snapshot === null ? 'true' : windowCondition(snapshot)
  const named = `${term}, ${quoteLiteral(table.schema)}, ${quoteLiteral(table.name)}`
  const columns = table.columns.filter((column) => !column.generated)
  const names = columns.map((column) => quoteLiteral(column.name)).join(', ')
  const values = columns.map((column) => `t.${quoteName(column.name)}::text`).join(', ')
  const target = `insert into ${schema}.unsent_change
    (lost_term, schema_name, table_name, kind, key_values, column_names, row_values)`
  const whole = await db.query(
    `${target} select ${named}, 'wholeTable', null, null, null where exists (
       select from ${schema}.journal j where j.table_id = ${tableId} and j.op = 'W' and ${where})`,
  )
  if (table.key === null) return whole.rowCount ?? 0
  const keys = journalKey(table.key)
  const aliases = keys.map((_, index) => `c${index}`)
  const same = table.key.columns
    .map((column, index) => `t.${quoteName(column.name)} = k.c${index}`)
    .join(' and ')
  const first = table.key.columns[0]
  const rows = await db.query(
    `${target} select ${named}, case when t.${quoteName(first?.name ?? '')} is null then 'deleted' else 'row' end,
       array[${aliases.map((alias) => `k.${alias}::text`).join(', ')}],
       array[${names}]::text[],
       case when t.${quoteName(first?.name ?? '')} is not null then array[${values}]::text[] end
     from (select distinct ${keys.join(', ')} from ${schema}.journal j
           where j.table_id = ${tableId} and j.op = 'K' and ${where}) k(${aliases.join(', ')})
     left join ${fromTable(table)} t on ${same}`,
  )
  return (whole.rowCount ?? 0) + (rows.rowCount ?? 0)
}
