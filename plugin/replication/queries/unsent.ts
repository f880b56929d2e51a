import type { QuotedName } from '../../db/identifiers.ts'
import { quoteLiteral, quoteName } from '../../db/identifiers.ts'
import { type Queryable, textRow, textRows } from '../../db/transaction.ts'
import {
  decodeKey,
  fromTable,
  journalKey,
  quotedTable,
  type KeySlot,
  type TableDescription,
} from '../table-description.ts'
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

/** The key of journal row `j` as one text; the same on both servers. */
const JOURNAL_KEY = 'coalesce(j.k_int::text, j.k_uuid::text, j.k_text, j.k_row::text)'

/** Rows named by the own journal since a snapshot, by table name, since the numbers of tables differ between servers. */
export interface UnsentKey {
  readonly table: string
  readonly op: 'K' | 'W'
  readonly slot: string | null
  readonly key: string | null
}

/** At most `limit` keys of the own journal that are not in the snapshot. */
export async function readUnsentKeys(
  db: Queryable,
  schema: QuotedName,
  snapshot: string,
  limit: number,
): Promise<readonly UnsentKey[]> {
  const rows = await textRows(
    db,
    `select distinct c.schema_name || '.' || c.table_name as name, j.op::text as op, c.key_slot as slot, ${JOURNAL_KEY} as key
     from ${schema}.journal j join ${schema}.captured_table c on c.table_id = j.table_id
     where ${windowCondition(snapshot)} limit ${limit}`,
  )
  return rows.map((row) => ({
    table: row['name'] ?? '',
    op: row['op'] as UnsentKey['op'],
    slot: row['slot'] ?? null,
    key: row['key'] ?? null,
  }))
}

/** Which of the keys the server itself has changed since the snapshot; all of them after a change of the whole table. */
export async function keysChangedSince(
  db: Queryable,
  schema: QuotedName,
  input: {
    readonly tableId: number
    readonly snapshot: string
    readonly keys: readonly string[]
  },
): Promise<ReadonlySet<string>> {
  const rows = await textRows(
    db,
    `select u.key from unnest($1::text[]) u(key) where exists (select from ${schema}.journal j
       where j.table_id = ${input.tableId} and ${windowCondition(input.snapshot)}
         and (j.op = 'W' or ${JOURNAL_KEY} = u.key))`,
    [input.keys],
  )
  return new Set(rows.map((row) => row['key'] ?? ''))
}

/** Puts keys into the journal as if the rows had changed now: the next batch brings them as they are. */
export async function journalKeys(
  db: Queryable,
  schema: QuotedName,
  input: { readonly tableId: number; readonly slot: KeySlot; readonly keys: readonly string[] },
): Promise<void> {
  const type = { k_int: 'bigint', k_uuid: 'uuid', k_text: 'text', k_row: 'jsonb' }[input.slot]
  await db.query(
    `insert into ${schema}.journal (table_id, op, ${input.slot})
     select ${input.tableId}, 'K', u.key::${type} from unnest($1::text[]) u(key)`,
    [input.keys],
  )
}

export async function journalWholeTable(
  db: Queryable,
  schema: QuotedName,
  tableId: number,
): Promise<void> {
  await db.query(`insert into ${schema}.journal (table_id, op) values (${tableId}, 'W')`)
}

/** Says of kept changes whether the new active has changed the rows, too. */
export async function markWinnerChanged(
  db: Queryable,
  schema: QuotedName,
  input: {
    readonly table: string
    readonly changed: readonly string[]
    readonly wholeTable: boolean
  },
): Promise<void> {
  await db.query(
    `update ${schema}.unsent_change set winner_changed = $3 or coalesce(journal_key = any($2::text[]), $3)
     where schema_name || '.' || table_name = $1 and settled is null and not winner_known`,
    [input.table, input.changed, input.wholeTable],
  )
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
    (lost_term, schema_name, table_name, kind, key_values, column_names, row_values, journal_key)`
  const whole = await db.query(
    `${target} select ${named}, 'wholeTable', null, null, null, null where exists (
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
       case when t.${quoteName(first?.name ?? '')} is not null then array[${values}]::text[] end, k.journal_key
     from (select distinct ${keys.join(', ')}, ${JOURNAL_KEY} from ${schema}.journal j
           where j.table_id = ${tableId} and j.op = 'K' and ${where}) k(${aliases.join(', ')}, journal_key)
     left join ${fromTable(table)} t on ${same}`,
  )
  return (whole.rowCount ?? 0) + (rows.rowCount ?? 0)
}

/** One change that is kept, as PostgreSQL prints it. */
export interface StoredUnsent {
  readonly id: number
  readonly keptAt: string
  readonly lostTerm: number
  readonly schema: string
  readonly name: string
  readonly kind: 'row' | 'deleted' | 'wholeTable'
  readonly keyValues: readonly string[]
  readonly columnNames: readonly string[]
  readonly rowValues: readonly (string | null)[] | null
  readonly winnerChanged: boolean | null
  readonly winnerKnown: boolean
  readonly winnerValues: readonly (string | null)[] | null
}

export async function countUnsent(db: Queryable, schema: QuotedName): Promise<number> {
  const row = await textRow(
    db,
    `select count(*)::text as count from ${schema}.unsent_change where settled is null`,
  )
  return Number(row?.['count'] ?? 0)
}

/** What is not settled yet, oldest first. */
export async function readUnsent(
  db: Queryable,
  schema: QuotedName,
  limit: number,
): Promise<readonly StoredUnsent[]> {
  const result = await db.query<{ document: string }>(
    `select jsonb_build_object('id', change_id, 'keptAt', kept_at, 'lostTerm', lost_term, 'schema', schema_name,
       'name', table_name, 'kind', kind, 'keyValues', coalesce(to_jsonb(key_values), '[]'),
       'columnNames', coalesce(to_jsonb(column_names), '[]'), 'rowValues', to_jsonb(row_values),
       'winnerChanged', winner_changed, 'winnerKnown', winner_known, 'winnerValues', to_jsonb(winner_values))::text
       as document
     from ${schema}.unsent_change where settled is null order by change_id limit ${limit}`,
  )
  return result.rows.map((row) => JSON.parse(row.document) as StoredUnsent)
}

export async function settleUnsent(
  db: Queryable,
  schema: QuotedName,
  input: {
    readonly ids: readonly number[]
    readonly how: 'reapplied' | 'discarded'
    readonly by: string | null
  },
): Promise<number> {
  const result = await db.query(
    `update ${schema}.unsent_change set settled = $2, settled_at = clock_timestamp(), settled_by = $3
     where change_id = any($1::bigint[]) and settled is null`,
    [input.ids, input.how, input.by],
  )
  return result.rowCount ?? 0
}

/** Notes the rows as they are now beside the kept ones of one table. */
export async function noteWinnerRows(
  db: Queryable,
  schema: QuotedName,
  table: TableDescription,
): Promise<void> {
  if (table.key === null) return
  const columns = table.columns.filter((column) => !column.generated)
  const values = columns.map((column) => `t.${quoteName(column.name)}::text`).join(', ')
  await db.query(
    `update ${schema}.unsent_change u set winner_known = true,
       winner_values = (select array[${values}]::text[] from ${fromTable(table)} t where ${sameKey(table, 'u.key_values')})
     where u.schema_name = $1 and u.table_name = $2 and u.settled is null and not u.winner_known
       and u.kind <> 'wholeTable'`,
    [table.schema, table.name],
  )
}

/** The row with this key as text, in the order of its columns; null when there is none. Locks it when it is to be changed. */
export async function readRowByKey(
  db: Queryable,
  table: TableDescription,
  key: readonly string[],
  forUpdate: boolean,
): Promise<readonly (string | null)[] | null> {
  const columns = table.columns.filter((column) => !column.generated)
  const values = columns.map((column) => `t.${quoteName(column.name)}::text`).join(', ')
  const result = await db.query<{ document: string }>(
    `select to_jsonb(array[${values}]::text[])::text as document from ${fromTable(table)} t
     where ${sameKey(table, '$1::text[]')} ${forUpdate ? 'for update' : ''}`,
    [key],
  )
  const [row] = result.rows
  return row === undefined ? null : (JSON.parse(row.document) as (string | null)[])
}

export async function deleteRowByKey(
  db: Queryable,
  table: TableDescription,
  key: readonly string[],
): Promise<void> {
  await db.query(`delete from ${fromTable(table)} t where ${sameKey(table, '$1::text[]')}`, [key])
}

/** Gives the row these values, or makes it. */
export async function writeRow(
  db: Queryable,
  table: TableDescription,
  input: {
    readonly key: readonly string[]
    readonly names: readonly string[]
    readonly values: readonly (string | null)[]
    readonly isThere: boolean
  },
): Promise<void> {
  const columns = input.names.map((name) => {
    const column = table.columns.find((each) => each.name === name)
    if (column === undefined) throw new Error(`the column ${name} is not there any more`)
    return column
  })
  const casts = columns.map((column, index) => `($1::text[])[${index + 1}]::${column.castType}`)
  const named = columns.map((column) => quoteName(column.name))
  if (!input.isThere) {
    await db.query(
      `insert into ${quotedTable(table)} (${named.join(', ')}) overriding system value select ${casts.join(', ')}`,
      [input.values],
    )
    return
  }
  const keyNames = new Set(table.key?.columns.map((column) => column.name))
  const set = columns.flatMap((column, index) =>
    keyNames.has(column.name) ? [] : [`${named[index]} = ${casts[index]}`],
  )
  if (set.length === 0) return
  await db.query(
    `update ${fromTable(table)} t set ${set.join(', ')} where ${sameKey(table, '$2::text[]')}`,
    [input.values, input.key],
  )
}

function sameKey(table: TableDescription, keys: string): string {
  return (table.key?.columns ?? [])
    .map(
      (column, index) =>
        `t.${quoteName(column.name)} = ${decodeKey(column, `(${keys})[${index + 1}]`)}`,
    )
    .join(' and ')
}
