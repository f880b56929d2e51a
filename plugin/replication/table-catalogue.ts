import { createHash } from 'node:crypto'
import type { NotReplicated } from '../api/status-document.ts'
import type { Queryable } from '../db/transaction.ts'
import type { DatabaseConfig } from './database-config.ts'
import { findDanglingReferences } from './dangling-references.ts'
import { type CatalogueTable, countLargeObjects, readCatalogue } from './queries/catalogue.ts'
import {
  displayName,
  keySlotOf,
  type TableDescription,
  type TableKey,
} from './table-description.ts'

/** What of a database is replicated, and what is not, with the reason. */
export interface TableCatalogue {
  readonly tables: readonly TableDescription[]
  readonly notReplicated: readonly NotReplicated[]
  /** Tables that are excluded on purpose; their sequences belong to this server too. */
  readonly excludedOids: readonly string[]
}

/** Reads the catalogue of one database and applies the exclusions of the configuration to it. */
export async function readTableCatalogue(
  db: Queryable,
  config: DatabaseConfig,
): Promise<TableCatalogue> {
  const relations = await readCatalogue(db, config.replicatedSchemas)
  const tables: TableDescription[] = []
  const notReplicated: NotReplicated[] = []
  const excludedOids: string[] = []
  for (const relation of relations) {
    if (relation.isPartition) continue
    const described = describe(relation, config)
    const refusal = whyNot(relation, config) ?? whyNotKept(described)
    if (refusal === null) tables.push(described)
    else notReplicated.push({ name: displayName(relation), ...refusal })
    if (refusal?.why === 'excluded') excludedOids.push(relation.oid)
  }
  notReplicated.push(
    ...partialExclusions(tables),
    ...(await findDanglingReferences(db, tables)),
    ...(await otherObjects(db)),
  )
  return { tables, notReplicated, excludedOids }
}

type Refusal = Pick<NotReplicated, 'kind' | 'why' | 'reason'>

function whyNot(relation: CatalogueTable, config: DatabaseConfig): Refusal | null {
  if (isMigrationList(relation)) return excluded('the list of migrations that this server has run')
  if (isExcluded(relation, config))
    return excluded('excluded by the configuration: belongs to one server')
  if (relation.fromExtension)
    return impossible('belongs to an extension; create the extension on both servers')
  if (relation.relkind === 'f')
    return impossible(
      `a foreign table: its rows are kept in another database (server ${relation.foreignServer ?? '?'})`,
    )
  if (relation.relkind === 'm') return impossible('a materialised view: refresh it on each server')
  if (relation.persistence === 'u')
    return impossible('an unlogged table: PostgreSQL empties it after a crash')
  if (relation.persistence === 't') return impossible('a temporary table')
  if (relation.unfitLeaf !== null)
    return impossible(`its partition ${relation.unfitLeaf}; detach it, or exclude the whole table`)
  if (relation.columns.length === 0) return impossible('it has no columns')
  return null
}

/** Own values of columns are found again by key. */
function whyNotKept(table: TableDescription): Refusal | null {
  if (table.key !== null || !table.columns.some((column) => column.excluded)) return null
  return impossible('columns are excluded, but the table has no key outside them')
}

function excluded(reason: string): Refusal {
  return { kind: 'table', why: 'excluded', reason }
}

/** Migrations run on both servers; a copied list would claim some that never ran here. */
function isMigrationList(relation: CatalogueTable): boolean {
  return /^knex_migrations(_lock)?$/.test(relation.name)
}

function impossible(reason: string): Refusal {
  return { kind: 'table', why: 'impossible', reason }
}

/** Names in the configuration are `table` (of any replicated schema) or `schema.table`. */
function isExcluded(relation: CatalogueTable, config: DatabaseConfig): boolean {
  return (
    relation.schema === config.schema ||
    config.exclude.tables.some((name) => namesTable(name, relation))
  )
}

/** Whether a name of the configuration means this table. */
export function namesTable(
  name: string,
  relation: Pick<CatalogueTable, 'schema' | 'name'>,
): boolean {
  return name === relation.name || name === `${relation.schema}.${relation.name}`
}

function optionsFor<Value>(
  record: Readonly<Record<string, Value>>,
  relation: CatalogueTable,
): readonly Value[] {
  return Object.entries(record)
    .filter(([name]) => namesTable(name, relation))
    .map(([, value]) => value)
}

function describe(relation: CatalogueTable, config: DatabaseConfig): TableDescription {
  const excluded = new Set(optionsFor(config.exclude.columns, relation).flat())
  const filters = optionsFor(config.exclude.rows, relation)
  const columns = relation.columns.map((column) => ({
    ...column,
    excluded: excluded.has(column.name),
  }))
  const key = chooseKey(relation, columns)
  return {
    schema: relation.schema,
    name: relation.name,
    oid: relation.oid,
    kind: relation.relkind === 'p' ? 'partitioned' : 'plain',
    partitions: relation.partitions,
    inherits: relation.inherits,
    columns,
    key,
    rowFilter: filters.length === 0 ? null : filters.map((filter) => `(${filter})`).join(' or '),
    estimatedRows: relation.estimatedRows,
    estimatedBytes: relation.estimatedBytes,
    rowSecurity: relation.rowSecurity,
    structure: structureOf(relation, key),
  }
}

function chooseKey(
  relation: CatalogueTable,
  columns: TableDescription['columns'],
): TableKey | null {
  for (const candidate of relation.keys) {
    const found = candidate.columns.map((name) => columns.find((column) => column.name === name))
    const known = found.filter((column) => column !== undefined && !column.excluded)
    if (known.length !== candidate.columns.length) continue
    const keyColumns = known as TableDescription['columns']
    return { columns: keyColumns, slot: keySlotOf(keyColumns) }
  }
  return null
}

/** Order of columns does not matter: they are listed by name wherever they travel. */
function structureOf(relation: CatalogueTable, key: TableKey | null): string {
  const columns = relation.columns
    .map((column) => [column.name, column.type, column.notNull, column.generated].join(' '))
    .sort()
  const keyNames = key?.columns.map((column) => column.name) ?? []
  const text = JSON.stringify([relation.relkind, columns, keyNames, relation.typeDetails])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** Equal on both servers when every replicated table is. */
export function schemaFingerprint(tables: readonly TableDescription[]): string {
  const lines = tables.map((table) => `${displayName(table)} ${table.structure}`).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/** Columns and rows that are left out of tables that are replicated. */
export function partialExclusions(tables: readonly TableDescription[]): NotReplicated[] {
  return tables.flatMap((table) => {
    const name = displayName(table)
    const columns: NotReplicated[] = table.columns
      .filter((column) => column.excluded)
      .map((column) => ({
        name: `${name}.${column.name}`,
        kind: 'column',
        why: 'excluded',
        reason: 'excluded by the configuration: each server keeps its own value',
      }))
    if (table.rowFilter === null) return columns
    const reason = `excluded by the configuration: rows where ${table.rowFilter}`
    return [...columns, { name, kind: 'rows', why: 'excluded', reason }]
  })
}

async function otherObjects(db: Queryable): Promise<NotReplicated[]> {
  const count = await countLargeObjects(db)
  if (count === 0) return []
  const reason = `${count} large objects: PostgreSQL has no triggers on them`
  return [{ name: 'large objects', kind: 'object', why: 'impossible', reason }]
}
