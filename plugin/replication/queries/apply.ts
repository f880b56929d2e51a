import type { Queryable } from '../../db/transaction.ts'
import { quoteLiteral, quoteName } from '../../db/identifiers.ts'
import {
  columnList,
  decodeKey,
  excludedColumns,
  fromTable,
  quotedTable,
  replicatedRows,
  type TableDescription,
  type TableKey,
  travellingColumns,
} from '../table-description.ts'
import type { SequenceState } from './catalogue.ts'

/** Triggers, rules, foreign keys and capture of the standby keep quiet for what has already happened on the active. */
export async function actAsReplica(db: Queryable): Promise<void> {
  await db.query(
    'set local session_replication_role = replica; set local hot_standby.applying = on',
  )
}

/** For the whole session: a session that applies does nothing else. */
export const ACT_AS_REPLICA =
  'set session_replication_role = replica; set hot_standby.applying = on'

/** Condition that a row of `t` has one of the keys, given as one array of texts for each column from `$1` on. */
export function keyIn(key: TableKey): string {
  const decoded = key.columns.map((column, index) => decodeKey(column, `u.c${index}`))
  const names = key.columns.map((_, index) => `c${index}`)
  const arrays = key.columns.map((_, index) => `$${index + 1}::text[]`)
  return `(${columnList(key.columns, 't.')}) in
    (select ${decoded.join(', ')} from unnest(${arrays.join(', ')}) u(${names.join(', ')}))`
}

function columnArrays(key: TableKey, keys: readonly (readonly string[])[]): string[][] {
  return key.columns.map((_, index) => keys.map((values) => values[index] ?? ''))
}

/** Deletes rows by key; rows that belong to this server stay. */
export async function deleteByKeys(
  db: Queryable,
  table: TableDescription,
  key: TableKey,
  keys: readonly (readonly string[])[],
): Promise<void> {
  await db.query(
    `delete from ${fromTable(table)} t where ${replicatedRows(table)} and ${keyIn(key)}`,
    columnArrays(key, keys),
  )
}

export async function deleteAll(db: Queryable, table: TableDescription): Promise<void> {
  await db.query(`delete from ${fromTable(table)} t where ${replicatedRows(table)}`)
}

/** Where a COPY goes: the table with its travelling columns. */
export function copyTarget(table: TableDescription): string {
  return `${quotedTable(table)} (${columnList(travellingColumns(table))})`
}

const OWN_VALUES = 'pg_temp.hot_standby_own_values'

/** Makes room for the values that this server keeps; for the transaction. */
export async function prepareOwnValues(
  db: Queryable,
  table: TableDescription,
  key: TableKey,
): Promise<void> {
  await db.query('drop table if exists pg_temp.hot_standby_own_values')
  await db.query(
    `create temporary table hot_standby_own_values on commit drop as
     select ${columnList([...key.columns, ...excludedColumns(table)], 't.')} from ${fromTable(table)} t with no data`,
  )
}

export async function keepOwnValues(
  db: Queryable,
  table: TableDescription,
  key: TableKey,
  keys: readonly (readonly string[])[] | null,
): Promise<void> {
  const where = keys === null ? 'true' : keyIn(key)
  await db.query(
    `insert into ${OWN_VALUES} select ${columnList([...key.columns, ...excludedColumns(table)], 't.')}
     from ${fromTable(table)} t where ${replicatedRows(table)} and ${where}`,
    keys === null ? [] : columnArrays(key, keys),
  )
}

export async function restoreOwnValues(
  db: Queryable,
  table: TableDescription,
  key: TableKey,
): Promise<void> {
  const set = excludedColumns(table).map(
    (column) => `${quoteName(column.name)} = o.${quoteName(column.name)}`,
  )
  const same = key.columns.map(
    (column) => `t.${quoteName(column.name)} = o.${quoteName(column.name)}`,
  )
  await db.query(
    `update ${fromTable(table)} t set ${set.join(', ')} from ${OWN_VALUES} o where ${same.join(' and ')}`,
  )
}

/** Rows of a table by key, for repair. The keys were printed by PostgreSQL. */
export function selectByKeys(
  table: TableDescription,
  key: TableKey,
  keys: readonly (readonly string[])[],
  literal: (text: string) => string,
): string {
  const rows = keys.map(
    (values) =>
      `(${key.columns.map((column, index) => decodeKey(column, literal(values[index] ?? ''))).join(', ')})`,
  )
  return `select ${columnList(travellingColumns(table), 't.')} from ${fromTable(table)} t
    where ${replicatedRows(table)} and (${columnList(key.columns, 't.')}) in (values ${rows.join(', ')})`
}

const ADVANCE_SEQUENCE = `select pg_catalog.setval(c.oid, case when s.seqincrement > 0
    then least(s.seqmax::numeric, greatest($2::numeric + s.seqincrement * $3::numeric,
      coalesce(pg_catalog.pg_sequence_last_value(c.oid), s.seqmin)::numeric))
    else greatest(s.seqmin::numeric, least($2::numeric + s.seqincrement * $3::numeric,
      coalesce(pg_catalog.pg_sequence_last_value(c.oid), s.seqmax)::numeric)) end::bigint)
  from pg_catalog.pg_class c join pg_catalog.pg_sequence s on s.seqrelid = c.oid
  where c.oid = pg_catalog.to_regclass($1)`

/** Moves a sequence to where the active's is, only ever in its own direction. Returns false when it is missing here. */
export async function advanceSequence(
  db: Queryable,
  sequence: SequenceState,
  ahead: number,
): Promise<boolean> {
  if (sequence.lastValue === null) return true
  const values = [quotedTable(sequence), sequence.lastValue, ahead]
  const result = await db.query(ADVANCE_SEQUENCE, values)
  return (result.rowCount ?? 0) > 0
}

export const PREPARE_ADVANCE = `prepare hs_advance (text, text, text) as ${ADVANCE_SEQUENCE}`

export function executeAdvance(
  sequence: { readonly schema: string; readonly name: string },
  lastValue: string,
): string {
  return `execute hs_advance (${quoteLiteral(quotedTable(sequence))}, '${BigInt(lastValue)}', '0')`
}

/** Begins a transaction whose commit is not waited for to be on disk. */
export const UNHURRIED = 'begin; set local synchronous_commit = off'

/**
 * A commit that is waited for makes everything durable that was committed before it. It writes no table: a message in
 * the log that nobody reads.
 */
export async function flushLog(db: Queryable): Promise<void> {
  await db.query(`select pg_catalog.pg_logical_emit_message(true, 'hot-standby', '')`)
}
