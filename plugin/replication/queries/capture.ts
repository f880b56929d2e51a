import type { QuotedName } from '../../db/identifiers.ts'
import { quoteLiteral } from '../../db/identifiers.ts'
import { type Queryable, textRow, textRows } from '../../db/transaction.ts'
import type { KeySlot } from '../table-description.ts'

/** A row of `captured_table`. */
export interface CapturedTable {
  readonly tableId: number
  readonly schema: string
  readonly name: string
  readonly capture: 'key' | 'wholeTable'
  readonly keyColumns: readonly string[]
  readonly keySlot: KeySlot | null
  readonly excludedColumns: readonly string[]
  readonly rowFilter: string | null
  readonly definitionHash: string
}

export async function readCapturedTables(
  db: Queryable,
  schema: QuotedName,
): Promise<readonly CapturedTable[]> {
  const rows = await textRows(
    db,
    `select pg_catalog.json_build_object('tableId', table_id, 'schema', schema_name, 'name', table_name,
       'capture', capture, 'keyColumns', key_columns, 'keySlot', key_slot,
       'excludedColumns', excluded_columns, 'rowFilter', row_filter, 'definitionHash', definition_hash)::text as t
     from ${schema}.captured_table order by table_id`,
  )
  return rows.map((row) => JSON.parse(row['t'] ?? 'null') as CapturedTable)
}

/** The number of a table; the same for as long as the table is captured. */
export async function claimTableId(
  db: Queryable,
  schema: QuotedName,
  table: Omit<CapturedTable, 'tableId' | 'definitionHash'>,
): Promise<number> {
  const row = await textRow(
    db,
    `insert into ${schema}.captured_table
       (schema_name, table_name, capture, key_columns, key_slot, excluded_columns, row_filter, definition_hash)
     values ($1, $2, $3, $4, $5, $6, $7, '')
     on conflict (schema_name, table_name) do update set capture = excluded.capture,
       key_columns = excluded.key_columns, key_slot = excluded.key_slot,
       excluded_columns = excluded.excluded_columns, row_filter = excluded.row_filter
     returning table_id::text`,
    [
      table.schema,
      table.name,
      table.capture,
      table.keyColumns,
      table.keySlot,
      table.excludedColumns,
      table.rowFilter,
    ],
  )
  return Number(row?.['table_id'])
}

export async function saveDefinitionHash(
  db: Queryable,
  schema: QuotedName,
  tableId: number,
  hash: string,
): Promise<void> {
  await db.query(`update ${schema}.captured_table set definition_hash = $2 where table_id = $1`, [
    tableId,
    hash,
  ])
}

export async function forgetCapturedTable(
  db: Queryable,
  schema: QuotedName,
  tableId: number,
): Promise<void> {
  await db.query(`delete from ${schema}.captured_table where table_id = $1`, [tableId])
}

export interface InstalledTrigger {
  readonly name: string
  readonly table: string
  readonly tableOid: string
  readonly enabled: boolean
  readonly functionName: string
}

/** Capture triggers of this schema's functions; the clones that partitions have count for the one they are made from. */
export async function readInstalledTriggers(
  db: Queryable,
  schemaName: string,
  functionName: string | null = null,
): Promise<readonly InstalledTrigger[]> {
  const rows = await textRows(
    db,
    `select t.tgname, pg_catalog.format('%I.%I', cn.nspname, c.relname) as table_name, c.oid::text,
       (t.tgenabled = 'A' and not exists (select from pg_catalog.pg_trigger k where k.tgparentid <> 0
         and k.tgfoid = t.tgfoid and k.tgname = t.tgname and k.tgenabled <> 'A'))::text as enabled, p.proname
     from pg_catalog.pg_trigger t join pg_catalog.pg_proc p on p.oid = t.tgfoid
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
     where n.nspname = $1 and t.tgparentid = 0 and not t.tgisinternal
       and ($2::text is null or p.oid = (select f.oid from pg_catalog.pg_proc f
         where f.proname = $2 and f.pronamespace = n.oid limit 1))`,
    [schemaName, functionName],
  )
  return rows.map((row) => ({
    name: row['tgname'] ?? '',
    table: row['table_name'] ?? '',
    tableOid: row['oid'] ?? '',
    enabled: row['enabled'] === 'true',
    functionName: row['proname'] ?? '',
  }))
}

/**
 * A text that changes when a table of these schemas comes, goes or changes its columns or keys, or when a capture
 * trigger does; cheap enough to read every two seconds.
 */
export async function readCaptureMark(
  db: Queryable,
  schema: QuotedName,
  config: { readonly replicatedSchemas: readonly string[] },
): Promise<string> {
  const row = await textRow(
    db,
    `select pg_catalog.concat_ws('/',
       (select pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.oid, c.relname, c.relacl,
          (select pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat_ws(' ', a.attnum, a.attname, a.atttypid, a.attnotnull))::bigint)
           from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
          (select pg_catalog.sum(i.indexrelid::bigint)
           from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisunique)), ',' order by c.oid))
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = any ($1::text[]) and c.relkind in ('r', 'p', 'f', 'm')),
       (select pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', g.oid, g.tgenabled), ',' order by g.oid))
        from pg_catalog.pg_trigger g where g.tgname like 'hot\\_standby\\_%'),
       (select pg_catalog.sum(k.oid::bigint) from pg_catalog.pg_constraint k where k.contype = 'f'),
       exists (select from pg_catalog.pg_largeobject_metadata),
       (select count(*) from ${schema}.captured_table)) as mark`,
    [config.replicatedSchemas],
  )
  return row?.['mark'] ?? ''
}

export async function dropTrigger(db: Queryable, name: string, quotedTable: string): Promise<void> {
  await db.query(`drop trigger if exists ${name} on ${quotedTable}`)
}

export async function createCaptureFunction(
  db: Queryable,
  input: {
    readonly schema: QuotedName
    readonly name: string
    readonly sql: string
    readonly owner: QuotedName | null
  },
): Promise<void> {
  const { schema, name, sql, owner } = input
  await db.query(sql)
  await db.query(`revoke all on function ${schema}.${name}() from public`)
  if (owner !== null) await db.query(`alter function ${schema}.${name}() owner to ${owner}`)
}

export async function dropCaptureFunction(
  db: Queryable,
  schema: QuotedName,
  name: string,
): Promise<void> {
  await db.query(`drop function if exists ${schema}.${quoteFunction(name)}()`)
}

function quoteFunction(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Bounded waiting for a table's lock, for the transaction. */
export async function setLocalLockTimeout(db: Queryable, ms: number): Promise<void> {
  await db.query(`set local lock_timeout = ${quoteLiteral(`${ms}ms`)}`)
}
