import type pg from 'pg'
import { qualifiedName, quoteLiteral, quoteName } from '../../plugin/db/identifiers.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly base: string
  readonly element: string | null
  readonly kind: string
  readonly labels: readonly string[]
  readonly length: number | null
  readonly notNull: boolean
  readonly hasDefault: boolean
  readonly generated: boolean
  readonly inKey: boolean
}

export interface GeneratedTable {
  readonly schema: string
  readonly name: string
  readonly quoted: string
  readonly columns: readonly Column[]
}

/** Every table with rows of its own, with what is needed to make values that fit. */
export async function describeTables(client: pg.Client): Promise<GeneratedTable[]> {
  const { rows } = await client.query<{ schema: string; name: string; columns: Column[] }>(`
    select n.nspname as schema, c.relname as name, (
      select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'base', coalesce(b.typname, t.typname), 'element', e.typname, 'kind', coalesce(b.typtype, t.typtype),
        'labels', coalesce((select json_agg(l.enumlabel order by l.enumsortorder) from pg_enum l
          where l.enumtypid in (t.oid, b.oid, e.oid)), '[]'),
        'length', case when a.atttypid in (1042, 1043) and a.atttypmod > 4 then a.atttypmod - 4 end,
        'notNull', a.attnotnull, 'hasDefault', a.atthasdef or a.attidentity <> '', 'generated', a.attgenerated <> '',
        'inKey', exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey))
      ) order by a.attnum)
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      left join pg_type b on b.oid = t.typbasetype and t.typtype = 'd'
      left join pg_type e on e.oid = coalesce(nullif(t.typelem, 0), b.typelem) and coalesce(b.typcategory, t.typcategory) = 'A'
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'
    order by 1, 2`)
  return rows
    .filter((row) => row.columns !== null)
    .map((row) => ({ ...row, quoted: qualifiedName(row.schema, row.name) }))
}

/** Statements that insert row `n` in several styles, from full to sparse; constraints decide which of them fit. */
export function insertStyles(table: GeneratedTable, n: number): string[] {
  const writable = table.columns.filter((column) => !column.generated)
  const full = writable.filter((column) => !column.hasDefault || column.type === 'boolean')
  const sparse = writable.filter((column) => column.notNull && !column.hasDefault)
  return [full, sparse, writable, []].map((columns) => {
    if (columns.length === 0) return `insert into ${table.quoted} default values`
    const names = columns.map((column) => quoteName(column.name)).join(', ')
    const values = columns.map((column) => valueOf(column, n)).join(', ')
    return `insert into ${table.quoted} (${names}) overriding system value values (${values})`
  })
}

/** A statement that changes one row in a column outside the key; null when there is none. */
export function updateOne(table: GeneratedTable, n: number): string | null {
  const column = table.columns.find(
    (one) => !one.inKey && !one.generated && one.labels.length !== 1 && !/_id$/.test(one.name),
  )
  if (column === undefined) return null
  return `update ${table.quoted} set ${quoteName(column.name)} = ${valueOf(column, n)}
    where ctid = (select min(ctid) from ${table.quoted})`
}

export function deleteOne(table: GeneratedTable): string {
  return `delete from ${table.quoted} where ctid = (select max(ctid) from ${table.quoted})`
}

function valueOf(column: Column, n: number): string {
  if (column.element !== null) {
    const element = scalar(column.element, column.labels, column.length, n)
    return `array[${element}]::${column.type}`
  }
  return `${scalar(column.base, column.labels, column.length, n)}::${column.type}`
}

function scalar(type: string, labels: readonly string[], length: number | null, n: number): string {
  if (labels.length > 0) return quoteLiteral(labels[n % labels.length] ?? '')
  const known = SCALARS[type]
  if (known !== undefined) return known(n)
  const text = `v${n}${n % 3 === 0 ? ' é\t\\' : ''}`
  return quoteLiteral(length === null ? text : text.slice(0, length))
}

const day = (n: number): string => `2026-${String((n % 12) + 1).padStart(2, '0')}-15`

const SCALARS: Readonly<Record<string, (n: number) => string>> = {
  int2: (n) => String(n % 3000),
  int4: (n) => String(n),
  int8: (n) => String(n),
  oid: (n) => String(n),
  float4: (n) => `${n}.5`,
  float8: (n) => `${n}.1`,
  numeric: (n) => String(n % 9),
  bool: (n) => String(n % 2 === 0),
  date: (n) => `'${day(n)}'`,
  timestamp: (n) => `'${day(n)} 10:11:12.123456'`,
  timestamptz: (n) => `'${day(n)} 10:11:12.123456+02'`,
  time: (n) => `'10:11:${String(n % 60).padStart(2, '0')}'`,
  timetz: () => `'10:11:12+02'`,
  interval: (n) => `'${n} minutes 1.5 seconds'`,
  uuid: () => 'gen_random_uuid()',
  json: (n) => `'{"b": ${n}, "a": null,  "a": 1}'`,
  jsonb: (n) => `'{"n": ${n}, "x": [null, 1.10]}'`,
  inet: (n) => `'10.0.${n % 200}.7/24'`,
  cidr: (n) => `'10.${n % 200}.0.0/16'`,
  macaddr: (n) => `'08:00:2b:01:02:${String(n % 90).padStart(2, '0')}'`,
  bytea: (n) => `'\\x00ff${String(n % 90).padStart(2, '0')}'`,
  char: () => `'c'`,
  bit: () => `B'1'`,
  varbit: () => `B'101'`,
  xml: (n) => `'<a n="${n}"/>'`,
  tsvector: (n) => `'word${n}:1'`,
  point: (n) => `'(${n},1.5)'`,
  money: (n) => `'${n}.25'`,
  int4range: (n) => `'[${n},${n + 5})'`,
  int8range: (n) => `'[${n},${n + 5})'`,
  numrange: (n) => `'[${n},${n}.5)'`,
  tsrange: (n) => `'["${day(n)}","${day(n)} 12:00")'`,
  tstzrange: (n) => `'["${day(n)} 00:00+00","${day(n)} 12:00+00")'`,
  daterange: (n) => `'[${day(n)},2027-01-01)'`,
}
