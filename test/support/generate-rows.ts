import type pg from 'pg'
import { quoteName } from '../../plugin/db/identifiers.ts'

/** One table with what its columns need; `sql` is its quoted name. */
export interface GeneratedTable {
  readonly name: string
  readonly sql: string
  readonly columns: readonly Column[]
}

interface Column {
  readonly name: string
  readonly required: boolean
  readonly inKey: boolean
  /** A value of the column's type as SQL, in which `:i` is a number; null when none can be made. */
  readonly value: string | null
}

interface ColumnRow {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly required: boolean
  readonly in_key: boolean
  readonly type: string
  readonly kind: string
  readonly category: string
  readonly length: string | null
}

const COLUMNS = `
  select n.nspname as schema, c.relname as table, a.attname as column,
    (a.attnotnull or t.typnotnull) and not a.atthasdef as required,
    exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and a.attnum = any (i.indkey)) as in_key,
    format_type(case when t.typtype = 'd' then t.typbasetype else a.atttypid end, null) as type,
    b.typtype as kind, b.typcategory as category,
    case when a.atttypmod > 4 and b.typcategory = 'S' then (a.atttypmod - 4)::text end as length
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = a.atttypid
  join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
  where n.nspname = any ($1) and c.relkind in ('r', 'p') and not c.relispartition
    and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a'
  order by 1, 2, a.attnum`

/** The tables of these schemas with what fills them, from the catalogue alone. */
export async function describeTables(
  client: pg.Client,
  schemas: readonly string[],
): Promise<GeneratedTable[]> {
  const { rows } = await client.query<ColumnRow>(COLUMNS, [schemas])
  const tables = new Map<string, { name: string; sql: string; columns: Column[] }>()
  for (const row of rows) {
    const name = `${row.schema}.${row.table}`
    const sql = `${quoteName(row.schema)}.${quoteName(row.table)}`
    const table = tables.get(name) ?? { name, sql, columns: [] }
    table.columns.push({
      name: row.column,
      required: row.required,
      inKey: row.in_key,
      value: valueOf(row),
    })
    tables.set(name, table)
  }
  return [...tables.values()]
}

/** Inserts row number `i`; with all columns, and when a rule of the table forbids it, with the required ones alone. */
export async function insertRow(
  client: pg.Client,
  table: GeneratedTable,
  i: number,
): Promise<boolean> {
  const full = table.columns.filter((column) => column.value !== null)
  const least = full.filter((column) => column.required || column.inKey)
  for (const columns of [full, least]) {
    if (columns.length === 0) continue
    const names = columns.map((column) => quoteName(column.name)).join(', ')
    const values = columns
      .map((column) => (column.value ?? 'null').replaceAll(':i', String(i)))
      .join(', ')
    if (await attempt(client, `insert into ${table.sql} (${names}) values (${values})`)) return true
  }
  return false
}

/** Changes a column outside all keys in two rows; false when the table has none or forbids it. */
export async function updateRows(client: pg.Client, table: GeneratedTable): Promise<boolean> {
  for (const column of table.columns) {
    if (column.inKey || column.value === null) continue
    const value = column.value.replaceAll(':i', '77')
    const some = `ctid in (select ctid from ${table.sql} limit 2)`
    if (
      await attempt(
        client,
        `update ${table.sql} set ${quoteName(column.name)} = ${value} where ${some}`,
      )
    )
      return true
  }
  return false
}

export function deleteRow(client: pg.Client, table: GeneratedTable): Promise<boolean> {
  return attempt(
    client,
    `delete from ${table.sql} where ctid = (select max(ctid) from ${table.sql})`,
  )
}

/** The generator knows nothing of a product's rules: what they forbid is counted and not an error. */
async function attempt(client: pg.Client, sql: string): Promise<boolean> {
  return client.query(sql).then(
    (result) => (result.rowCount ?? 0) > 0,
    () => false,
  )
}

const BY_TYPE: Readonly<Record<string, string>> = {
  boolean: '(:i % 2 = 0)',
  uuid: `md5(':i')::uuid`,
  date: `(date '2026-01-01' + :i)`,
  interval: `(:i * interval '1 hour')`,
  json: `json_build_object('n', :i)`,
  jsonb: `jsonb_build_object('n', :i)`,
  bytea: `decode('00ff', 'hex')`,
  inet: `('10.0.0.' || :i)::inet`,
  cidr: `('10.0.' || :i || '.0/24')::cidr`,
  macaddr: `'02:00:00:00:00:01'`,
  point: `point(:i, 1)`,
  tsvector: `to_tsvector('simple', 'word' || :i)`,
  hstore: `null`,
}

function valueOf({ type, kind, category, length }: ColumnRow): string | null {
  if (kind === 'e') return `(enum_range(null::${type}))[1]`
  if (kind === 'r') return `'empty'::${type}`
  if (BY_TYPE[type] !== undefined) return BY_TYPE[type]
  if (category === 'A') return `'{}'`
  if (category === 'N') return ':i'
  if (category === 'S') return `left('v:i', ${length ?? '63'})`
  if (type.startsWith('timestamp')) return `(timestamp '2026-01-01' + :i * interval '1 hour')`
  if (type.startsWith('time')) return `time '10:00' + :i * interval '1 minute'`
  return null
}
