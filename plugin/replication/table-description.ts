import { type QuotedName, qualifiedName, quoteLiteral, quoteName } from '../db/identifiers.ts'

/** One column as the catalogue has it. */
export interface ColumnDescription {
  readonly name: string
  /** Type with its modifier: `character varying(20)`. */
  readonly type: string
  /** Type without modifier, schema-qualified where needed; for casts. */
  readonly castType: string
  readonly typeOid: string
  /** Quoted collation; null for types that have none. */
  readonly collation: string | null
  readonly notNull: boolean
  readonly hasDefault: boolean
  readonly generated: boolean
  readonly excluded: boolean
}

export type KeySlot = 'k_int' | 'k_uuid' | 'k_text' | 'k_row'

/** How rows of a table are named in the journal. */
export interface TableKey {
  readonly columns: readonly ColumnDescription[]
  readonly slot: KeySlot
}

/** A table as replication sees it. */
export interface TableDescription {
  readonly schema: string
  readonly name: string
  readonly oid: string
  readonly kind: 'plain' | 'partitioned'
  /** Of a partitioned table, of every level. */
  readonly partitions?: readonly { readonly schema: string; readonly name: string }[]
  /** Children and parents of old-style inheritance need row triggers, as partitioned tables do. */
  readonly inherits: boolean
  readonly columns: readonly ColumnDescription[]
  /** Null: the table has no usable key and is copied as a whole. */
  readonly key: TableKey | null
  /** SQL condition on a row that belongs to one server and is not replicated. */
  readonly rowFilter: string | null
  readonly estimatedRows: number
  readonly estimatedBytes: number
  readonly rowSecurity: boolean
  /** Equal on both servers when the table is: columns, types, keys, labels of enums. */
  readonly structure: string
}

/** `schema.table` for people. */
/** Of a table that PostgreSQL has not counted yet. */
export const USUAL_ROW_BYTES = 100

/** What a row takes on the average, roughly. */
export function rowBytesOf({
  estimatedRows,
  estimatedBytes,
}: Pick<TableDescription, 'estimatedRows' | 'estimatedBytes'>): number {
  const isKnown = estimatedRows > 0 && estimatedBytes > 0
  return isKnown ? estimatedBytes / estimatedRows : USUAL_ROW_BYTES
}

export function displayName(table: Pick<TableDescription, 'schema' | 'name'>): string {
  return `${table.schema}.${table.name}`
}

export function quotedTable(table: Pick<TableDescription, 'schema' | 'name'>): QuotedName {
  return qualifiedName(table.schema, table.name)
}

/** The table in a FROM clause: an inheritance parent without its children, a partitioned one with its partitions. */
export function fromTable(table: TableDescription): string {
  return table.kind === 'plain' ? `only ${quotedTable(table)}` : quotedTable(table)
}

/** The columns whose values travel: not generated, not excluded — but an excluded one that must have a value does. */
export function travellingColumns(table: TableDescription): readonly ColumnDescription[] {
  return table.columns.filter(
    (column) => !column.generated && (!column.excluded || mustHaveValue(column)),
  )
}

/** Columns that keep the value that this server has. */
export function excludedColumns(table: TableDescription): readonly ColumnDescription[] {
  return table.columns.filter((column) => column.excluded && !column.generated)
}

/** Columns whose values must be equal on both servers. */
export function comparedColumns(table: TableDescription): readonly ColumnDescription[] {
  return table.columns.filter((column) => !column.generated && !column.excluded)
}

function mustHaveValue(column: ColumnDescription): boolean {
  return column.notNull && !column.hasDefault
}

export function columnList(columns: readonly ColumnDescription[], prefix = ''): string {
  return columns.map((column) => prefix + quoteName(column.name)).join(', ')
}

/** Condition that is true for rows that are replicated. */
export function replicatedRows(table: Pick<TableDescription, 'rowFilter'>): string {
  return table.rowFilter === null ? 'true' : `not coalesce((${table.rowFilter}), false)`
}

/** A key's SQL text expression turned back into its type; the column's collation decides equality. */
export function decodeKey(column: ColumnDescription, text: string): string {
  const collate = column.collation === null ? '' : ` collate ${column.collation}`
  return `(${text})::${column.castType}${collate}`
}

/** Decoded key columns of journal row `j`, in key order. */
export function journalKey(key: TableKey, alias = 'j'): readonly string[] {
  return key.columns.map((column, index) =>
    key.slot === 'k_row'
      ? decodeKey(column, `${alias}.k_row ->> ${index}`)
      : decodeKey(column, `${alias}.${key.slot}`),
  )
}

/** The journal's key slot of a row, from its columns. */
export function slotExpression(key: TableKey, prefix: string): string {
  const [first] = key.columns
  if (key.slot === 'k_row' || first === undefined) {
    const parts = key.columns.map((column) => `${prefix}${quoteName(column.name)}::text`)
    return `pg_catalog.jsonb_build_array(${parts.join(', ')})`
  }
  const type = { k_int: 'bigint', k_uuid: 'uuid', k_text: 'text' }[key.slot]
  return `${prefix}${quoteName(first.name)}::${type}`
}

/** Types whose text does not depend on the writer's settings; only for others the function pins them. */
const PLAIN_TEXT_TYPES = new Set(['20', '21', '23', '25', '1043', '2950', '16', '18', '19', '26'])

export function needsPinnedFormats(key: TableKey): boolean {
  return key.columns.some((column) => !PLAIN_TEXT_TYPES.has(column.typeOid))
}

export function keySlotOf(columns: readonly ColumnDescription[]): KeySlot {
  const [first, second] = columns
  if (first === undefined || second !== undefined) return 'k_row'
  if (['20', '21', '23'].includes(first.typeOid)) return 'k_int'
  return first.typeOid === '2950' ? 'k_uuid' : 'k_text'
}

/** `schema.table` as a literal for messages in SQL. */
export function nameLiteral(table: TableDescription): string {
  return quoteLiteral(displayName(table))
}
