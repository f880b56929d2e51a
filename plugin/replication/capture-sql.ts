import { createHash } from 'node:crypto'
import { dollarQuote, type QuotedName, quoteLiteral, quoteName } from '../db/identifiers.ts'
import {
  comparedColumns,
  needsPinnedFormats,
  quotedTable,
  replicatedRows,
  slotExpression,
  type TableDescription,
} from './table-description.ts'

/** Function and triggers that capture one table, as SQL. Pure; the same table gives the same text. */
export interface CaptureDefinition {
  readonly functionName: string
  readonly functionSql: string
  readonly triggers: readonly TriggerDefinition[]
  readonly hash: string
}

export interface TriggerDefinition {
  readonly name: string
  /** The table that it is on, or one of its partitions. */
  readonly table: QuotedName
  readonly sql: string
}

/** Values of keys that are kept as text must not depend on the settings of whoever writes. */
const PINNED_FORMATS = `
  set datestyle = 'ISO, YMD' set intervalstyle = postgres set timezone = 'UTC'
  set extra_float_digits = 1 set bytea_output = hex set lc_monetary = 'C'`

/**
 * Capture fires in replica mode too, or whoever writes in it (a loader, a subscription) would not be seen; only our own
 * apply is left out. A user cannot leave himself out: he may not set session_replication_role.
 */
const APPLYING = `pg_catalog.current_setting('hot_standby.applying', true) is not distinct from 'on'`

/** What a row of the journal takes with its indexes, roughly. */
const JOURNAL_ROW_BYTES = 100
const LEAST_KEYS = 10_000

/**
 * So many keys of one statement at the most, a quarter of the journal's cap; more mark the table as a whole. The cap itself
 * acts between two statements only: one that changes every row of a large table could fill the disk before.
 */
function keysPerStatement(journalCapBytes: number): number {
  return Math.max(LEAST_KEYS, Math.floor(journalCapBytes / 4 / JOURNAL_ROW_BYTES))
}

/** What captures this table under this number. */
export function defineCapture(
  { schema, journalCapBytes }: { readonly schema: QuotedName; readonly journalCapBytes: number },
  tableId: number,
  table: TableDescription,
): CaptureDefinition {
  const functionName = `capture_${tableId}`
  const rowLevel = table.kind === 'partitioned' || table.inherits
  const body = rowLevel
    ? rowBody(schema, tableId, table)
    : statementBody(schema, tableId, table, keysPerStatement(journalCapBytes))
  const pinned = table.key !== null && needsPinnedFormats(table.key) ? PINNED_FORMATS : ''
  const functionSql = `create or replace function ${schema}.${functionName}() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp${pinned}
  as ${dollarQuote(body)}`
  const triggers = (rowLevel ? rowTriggers : statementTriggers)(schema, tableId, table)
  const text = [functionSql, ...triggers.map((trigger) => trigger.sql)].join('\n')
  return {
    functionName,
    functionSql,
    triggers,
    hash: createHash('sha256').update(text).digest('hex'),
  }
}

/**
 * What nearly every call asks is one expression, since plpgsql prepares each one anew in every transaction: changes are
 * captured, the writer is an ordinary one, and the table still has the key columns that this function was made for. The
 * mode comes from a function, which is five times as fast as a look at the sequence; it tells nothing only before the
 * mode was first set. The table's number is a constant, so that the answer about its columns is one until it is changed.
 *
 * Else: what we apply ourselves is not captured, a standby refuses, and a migration that renames or drops a key column
 * must not fail because of us, so from then on the table is marked as a whole.
 */
function header(
  schema: QuotedName,
  tableId: number,
  table: TableDescription,
  refusal: string,
): string {
  const columns = table.key?.columns ?? []
  const names = columns.map((column) => quoteLiteral(column.name)).join(', ')
  const types = columns.map((column) => Number(column.typeOid)).join(', ')
  const fits = `${schema}.has_columns(
      ${quoteLiteral(table.oid)}::regclass, array[${names}]::text[], array[${types}]::oid[])`
  const mode = `pg_catalog.pg_sequence_last_value(${quoteLiteral(`${schema}.capture_mode`)}::regclass)`
  const ordinary = `pg_catalog.current_setting('session_replication_role') <> 'replica'`
  const unfit = `if not ${fits} then
      ${markWholeTable(schema, tableId)}
  ${wakeReader(schema)}
      return null;
    end if;`
  return `
#variable_conflict use_column
declare
  hs_mode bigint;
  hs_keys bigint;
begin
  if (${mode} = 2 and ${ordinary}${columns.length === 0 ? '' : `\n      and ${fits}`}) is not true then
    hs_mode := coalesce(${mode}, (select last_value from ${schema}.capture_mode));
    if hs_mode = 1 or (not ${ordinary} and (hs_mode = 3 or ${APPLYING})) then
      return null;
    end if;
    if hs_mode = 3 then
      ${refusal}
      return null;
    end if;
    ${columns.length === 0 ? '' : unfit}
  end if;`
}

/**
 * Only while the reader sleeps, which it shows by holding a lock. One expression, so that nothing can interrupt it
 * between the lock and its release: a lock left behind would keep the reader from ever sleeping.
 */
function wakeReader(schema: QuotedName): string {
  const bell = `${schema}.wake_bell()`
  return `  if (case when pg_catalog.pg_try_advisory_lock_shared(${bell})
      then not pg_catalog.pg_advisory_unlock_shared(${bell}) else true end) then
    perform ${schema}.wake_reader();
  end if;`
}

function refuse(schema: QuotedName, table: TableDescription): string {
  return `perform ${schema}.refuse_write(${quoteLiteral(table.schema)}, ${quoteLiteral(table.name)});`
}

function markWholeTable(schema: QuotedName, tableId: number): string {
  return `insert into ${schema}.journal (table_id, op) values (${tableId}, 'W');`
}

function statementBody(
  schema: QuotedName,
  tableId: number,
  table: TableDescription,
  mostKeys: number,
): string {
  const filter = replicatedRows(table)
  const some = (rows: string): string => `exists (select from ${rows} where ${filter})`
  const refusal = `if tg_op = 'TRUNCATE' then
        ${refuse(schema, table)}
      elsif tg_op = 'INSERT' then
        if ${some('new_rows')} then ${refuse(schema, table)} end if;
      elsif tg_op = 'DELETE' then
        if ${some('old_rows')} then ${refuse(schema, table)} end if;
      elsif ${updateTouchesReplicated(table)} then
        ${refuse(schema, table)}
      end if;`
  return `${header(schema, tableId, table, refusal)}
  if tg_op = 'INSERT' then
    ${journalRows(schema, tableId, table, 'new_rows', mostKeys)}
  elsif tg_op = 'UPDATE' then
    ${journalUpdate(schema, tableId, table, mostKeys)}
  elsif tg_op = 'DELETE' then
    ${journalRows(schema, tableId, table, 'old_rows', mostKeys)}
  else
    ${markWholeTable(schema, tableId)}
  end if;
${wakeReader(schema)}
  return null;
end`
}

/** Without exclusions every update counts; else only one that changes something that is replicated. */
function updateTouchesReplicated(table: TableDescription): string {
  const filter = replicatedRows(table)
  if (!table.columns.some((column) => column.excluded)) {
    return `exists (select from new_rows where ${filter}) or exists (select from old_rows where ${filter})`
  }
  const texts = comparedColumns(table)
    .map((column) => `${quoteName(column.name)}::text`)
    .join(', ')
  const rows = (name: string): string => `select ${texts} from ${name} where ${filter}`
  return `exists ((${rows('new_rows')}) except all (${rows('old_rows')}))
      or exists ((${rows('old_rows')}) except all (${rows('new_rows')}))`
}

function journalRows(
  schema: QuotedName,
  tableId: number,
  table: TableDescription,
  rows: string,
  mostKeys: number,
): string {
  if (table.key === null) {
    return `if exists (select from ${rows}) then ${markWholeTable(schema, tableId)} end if;`
  }
  return `insert into ${schema}.journal (table_id, op, ${table.key.slot})
    select ${tableId}, 'K', ${slotExpression(table.key, 'r.')} from ${rows} r limit ${mostKeys};
    ${wholeAfter(schema, tableId, mostKeys)}`
}

function wholeAfter(schema: QuotedName, tableId: number, mostKeys: number): string {
  return `get diagnostics hs_keys = row_count;
    if hs_keys = ${mostKeys} then ${markWholeTable(schema, tableId)} end if;`
}

/** Old and new keys: an update may move a row to another key. */
function journalUpdate(
  schema: QuotedName,
  tableId: number,
  table: TableDescription,
  mostKeys: number,
): string {
  if (table.key === null) return journalRows(schema, tableId, table, 'new_rows', mostKeys)
  const slot = table.key.slot
  const slotOf = slotExpression(table.key, 'r.')
  const keys = (rows: string): string => `select ${slotOf} from ${rows} r`
  return `insert into ${schema}.journal (table_id, op, ${slot})
    select ${tableId}, 'K', k.slot from (${keys('old_rows')} union ${keys('new_rows')}) k(slot)
    limit ${mostKeys};
    ${wholeAfter(schema, tableId, mostKeys)}`
}

function rowBody(schema: QuotedName, tableId: number, table: TableDescription): string {
  const counts = (row: string): string =>
    table.rowFilter === null
      ? 'true'
      : `(select ${replicatedRows(table)} from (select ${row}.*) hs_row)`
  const changed = table.columns.some((column) => column.excluded)
    ? `row(${texts(table, 'new.')}) is distinct from row(${texts(table, 'old.')})`
    : 'true'
  const journal = (row: string): string =>
    table.key === null
      ? markWholeTable(schema, tableId)
      : `insert into ${schema}.journal (table_id, op, ${table.key.slot})
        values (${tableId}, 'K', ${slotExpression(table.key, `${row}.`)});`
  const moved =
    table.key === null
      ? 'false'
      : `${slotExpression(table.key, 'new.')} is distinct from ${slotExpression(table.key, 'old.')}`
  const refusal = `if tg_op = 'TRUNCATE' then
        ${refuse(schema, table)}
      elsif tg_op = 'INSERT' then
        if ${counts('new')} then ${refuse(schema, table)} end if;
      elsif tg_op = 'DELETE' then
        if ${counts('old')} then ${refuse(schema, table)} end if;
      elsif (${counts('new')} or ${counts('old')}) and ${changed} then
        ${refuse(schema, table)}
      end if;`
  return `${header(schema, tableId, table, refusal)}
  if tg_op = 'TRUNCATE' then
    ${markWholeTable(schema, tableId)}
  elsif tg_op = 'INSERT' then
    ${journal('new')}
  else
    ${journal('old')}
    if tg_op = 'UPDATE' then
      if ${moved} then
        ${table.key === null ? 'null;' : journal('new')}
      end if;
    end if;
  end if;
${wakeReader(schema)}
  return null;
end`
}

function texts(table: TableDescription, prefix: string): string {
  return comparedColumns(table)
    .map((column) => `${prefix}${quoteName(column.name)}::text`)
    .join(', ')
}

/**
 * For each row, this saves the call. For each statement the function tells for itself: PostgreSQL copies and parses a
 * condition anew for every statement, which costs more than the call.
 */
const UNLESS_APPLYING = `when (pg_catalog.current_setting('session_replication_role') <> 'replica' or not (${APPLYING}))`

function always(table: Parameters<typeof quotedTable>[0], name: string): string {
  return `;\n  alter table ${quotedTable(table)} enable always trigger ${name}`
}

function statementTriggers(
  schema: QuotedName,
  tableId: number,
  table: TableDescription,
): readonly TriggerDefinition[] {
  const references = {
    insert: 'referencing new table as new_rows',
    update: 'referencing old table as old_rows new table as new_rows',
    delete: 'referencing old table as old_rows',
    truncate: '',
  }
  return Object.entries(references).map(([event, referencing]) => {
    const name = `hot_standby_${tableId}_${event}`
    const sql = `create trigger ${name} after ${event} on ${quotedTable(table)} ${referencing}
  for each statement execute function ${schema}.capture_${tableId}()${always(table, name)}`
    return { name, table: quotedTable(table), sql }
  })
}

function rowTriggers(
  schema: QuotedName,
  tableId: number,
  table: TableDescription,
): readonly TriggerDefinition[] {
  const calls = `execute function ${schema}.capture_${tableId}()`
  const on = quotedTable(table)
  const rows = `hot_standby_${tableId}_row`
  const truncate = `hot_standby_${tableId}_truncate`
  return [
    {
      name: rows,
      table: on,
      sql: `create trigger ${rows} after insert or update or delete on ${on}
  for each row ${UNLESS_APPLYING} ${calls}${always(table, rows)}`,
    },
    // A partition may be truncated by its own name, of which the root's trigger is not told.
    ...[table, ...(table.partitions ?? [])].map((member) => ({
      name: truncate,
      table: quotedTable(member),
      sql: `create trigger ${truncate} after truncate on ${quotedTable(member)}
  for each statement ${calls}${always(member, truncate)}`,
    })),
  ]
}

/** The columns that a capture needs, for its row in `captured_table`. */
export function excludedNames(table: TableDescription): readonly string[] {
  return table.columns.filter((column) => column.excluded).map((column) => column.name)
}
