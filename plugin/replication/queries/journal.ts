import type { QuotedName } from '../../db/identifiers.ts'
import { type Queryable, textRow, textRows } from '../../db/transaction.ts'
import { journalKey, type TableDescription } from '../table-description.ts'
import {
  columnList,
  fromTable,
  replicatedRows,
  travellingColumns,
  USUAL_ROW_BYTES,
} from '../table-description.ts'

const SNAPSHOT = /^\d+:\d+:[\d,]*$/

/** A snapshot as a literal, for COPY, which takes no parameters. */
export function snapshotLiteral(snapshot: string): string {
  if (!SNAPSHOT.test(snapshot)) throw new Error(`not a snapshot: ${snapshot}`)
  return `'${snapshot}'::pg_catalog.pg_snapshot`
}

/**
 * Journal rows that are not in the applied snapshot. Everything else is bounded by the reader's own snapshot: rows
 * that it cannot see are of transactions that it must not see.
 */
export function windowCondition(applied: string, alias = 'j'): string {
  const literal = snapshotLiteral(applied)
  return `${alias}.xid >= pg_catalog.pg_snapshot_xmin(${literal})
    and not pg_catalog.pg_visible_in_snapshot(${alias}.xid, ${literal})`
}

export interface WindowTable {
  readonly tableId: number
  readonly changes: number
  readonly wholeTable: boolean
}

/** Which tables have changes that are not in the applied snapshot. */
export async function readWindow(
  db: Queryable,
  schema: QuotedName,
  applied: string,
): Promise<readonly WindowTable[]> {
  const rows = await textRows(
    db,
    `select j.table_id::text, count(*)::text as changes, bool_or(j.op = 'W')::text as whole
     from ${schema}.journal j where ${windowCondition(applied)} group by j.table_id order by j.table_id`,
  )
  return rows.map((row) => ({
    tableId: Number(row['table_id']),
    changes: Number(row['changes']),
    wholeTable: row['whole'] === 'true',
  }))
}

/** Keys of one table in the window, as a sub-select of typed values. */
function keysInWindow(
  schema: QuotedName,
  table: TableDescription,
  tableId: number,
  applied: string,
): string {
  const columns = table.key === null ? [] : journalKey(table.key)
  return `select ${columns.join(', ')} from ${schema}.journal j
    where j.table_id = ${tableId} and j.op = 'K' and ${windowCondition(applied)}`
}

/** Rows of one table whose keys are in the window, as the reader's snapshot has them. */
export function selectChangedRows(
  schema: QuotedName,
  table: TableDescription,
  tableId: number,
  applied: string,
): string {
  const keys = columnList(table.key?.columns ?? [], 't.')
  return `select ${columnList(travellingColumns(table), 't.')} from ${fromTable(table)} t
    where ${replicatedRows(table)} and (${keys}) in (${keysInWindow(schema, table, tableId, applied)})`
}

export function selectAllRows(table: TableDescription): string {
  return `select ${columnList(travellingColumns(table), 't.')} from ${fromTable(table)} t where ${replicatedRows(table)}`
}

/** A cursor over the distinct keys of one table in the window, as text. */
export async function openKeyCursor(
  db: Queryable,
  schema: QuotedName,
  table: TableDescription,
  tableId: number,
  applied: string,
): Promise<void> {
  const texts = (table.key?.columns ?? []).map((_, index) => `k.c${index}::text as c${index}`)
  const names = (table.key?.columns ?? []).map((_, index) => `c${index}`)
  await db.query(
    `declare hs_keys no scroll cursor for select distinct ${texts.join(', ')}
     from (${keysInWindow(schema, table, tableId, applied)}) k(${names.join(', ')})`,
  )
}

export async function fetchKeys(
  db: Queryable,
  count: number,
): Promise<readonly (readonly string[])[]> {
  const result = await db.query<string[]>({
    text: `fetch ${count} from hs_keys`,
    rowMode: 'array',
  } as never)
  return result.rows
}

export async function closeKeyCursor(db: Queryable): Promise<void> {
  await db.query('close hs_keys')
}

/** Puts the keys of rows into the journal again, as if they had changed now. */
export async function journalSize(db: Queryable, schema: QuotedName): Promise<number> {
  const row = await textRow(
    db,
    `select pg_catalog.pg_total_relation_size($1::regclass)::text as bytes`,
    [`${schema}.journal`],
  )
  return Number(row?.['bytes'] ?? 0)
}

/** Where the journal's files are; null when our role may not know. */
export async function journalFolder(db: Queryable): Promise<string | null> {
  const row = await textRow(
    db,
    `select coalesce(nullif(pg_catalog.pg_tablespace_location(d.dattablespace), ''),
       case when pg_catalog.pg_has_role('pg_read_all_settings', 'member')
         then pg_catalog.current_setting('data_directory') end) as folder
     from pg_catalog.pg_database d where d.datname = current_database()`,
  )
  return row?.['folder'] ?? null
}

/** What the journal has of one table. */
export interface JournaledTable {
  readonly schema: string
  readonly name: string
  readonly rows: number
  readonly oldestSeq: string
  readonly newestSeq: string
  /** What a row of the table takes on the average, as PostgreSQL last counted it. */
  readonly rowBytes: number
}

/** Deletes what the acknowledged snapshot has, in portions so that no transaction is long; returns what it deleted. */
export async function purgeJournal(
  db: Queryable,
  schema: QuotedName,
  acknowledged: string,
  portion: number,
): Promise<readonly JournaledTable[]> {
  const literal = snapshotLiteral(acknowledged)
  return journaledTables(
    db,
    schema,
    `with gone as (
       delete from ${schema}.journal where seq in (
         select j.seq from ${schema}.journal j where j.xid < pg_catalog.pg_snapshot_xmax(${literal})
           and pg_catalog.pg_visible_in_snapshot(j.xid, ${literal}) limit ${portion})
       returning seq, table_id)`,
    'gone',
  )
}

export async function savePurged(db: Queryable, schema: QuotedName, tickId: string): Promise<void> {
  await db.query(
    `update ${schema}.server_state set purged_tick_id = $1 where purged_tick_id < $1`,
    [tickId],
  )
}

export async function truncateJournal(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(`truncate ${schema}.journal`)
}

/** The tables with changes that are not in the snapshot. */
export async function countUnacknowledged(
  db: Queryable,
  schema: QuotedName,
  snapshot: string | null,
): Promise<readonly JournaledTable[]> {
  const where = snapshot === null ? 'true' : windowCondition(snapshot)
  return journaledTables(
    db,
    schema,
    `with waiting as (select j.seq, j.table_id from ${schema}.journal j where ${where})`,
    'waiting',
  )
}

/** Counts first and looks names up then: changes of a table that is captured no longer count, too. */
async function journaledTables(
  db: Queryable,
  schema: QuotedName,
  withEntries: string,
  entries: string,
): Promise<readonly JournaledTable[]> {
  const rows = await textRows(
    db,
    `${withEntries}
     select coalesce(c.schema_name, '') as schema_name, coalesce(c.table_name, '') as table_name,
       e.rows::text, e.oldest::text, e.newest::text,
       -- From the statistics, since asking for the size of a table would wait for its lock.
       (select k.relpages * pg_catalog.current_setting('block_size')::float8 / k.reltuples
        from pg_catalog.pg_class k join pg_catalog.pg_namespace n on n.oid = k.relnamespace
        where n.nspname = c.schema_name and k.relname = c.table_name and k.reltuples > 0 and k.relpages > 0)::text
         as row_bytes
     from (select table_id, count(*) as rows, min(seq) as oldest, max(seq) as newest
       from ${entries} group by table_id) e
     left join ${schema}.captured_table c using (table_id)`,
  )
  return rows.map((row) => ({
    schema: row['schema_name'] ?? '',
    name: row['table_name'] ?? '',
    rows: Number(row['rows']),
    oldestSeq: row['oldest'] ?? '0',
    newestSeq: row['newest'] ?? '0',
    rowBytes: row['row_bytes'] == null ? USUAL_ROW_BYTES : Number(row['row_bytes']),
  }))
}

/** Empties the journal's file when it holds nothing, so that its size comes down; false when it is in use. */
export async function truncateIfEmpty(db: Queryable, schema: QuotedName): Promise<boolean> {
  await db.query(`lock table ${schema}.journal in access exclusive mode nowait`)
  const row = await textRow(db, `select exists (select from ${schema}.journal)::text as used`)
  if (row?.['used'] === 'true') return false
  await truncateJournal(db, schema)
  return true
}

/** Locks tables against being rewritten under the reader; must come before the transaction's snapshot. */
export async function lockForReading(
  db: Queryable,
  schema: QuotedName,
  tables: readonly TableDescription[],
): Promise<void> {
  const names = [`${schema}.journal`, ...tables.map((table) => fromTable(table))]
  await db.query(`lock table ${names.join(', ')} in access share mode`)
}
