import type { Queryable } from '../db/transaction.ts'
import { type FieldProblem, HotStandbyError } from '../errors.ts'
import type { DatabaseConfig } from './database-config.ts'
import { type CatalogueTable, readCatalogue } from './queries/catalogue.ts'
import { readSchemaNames } from './queries/schema.ts'
import { namesTable } from './table-catalogue.ts'

/** A name of the configuration that nothing in the database bears. */
export interface UnknownName {
  /** Path in the configuration file. */
  readonly field: string
  readonly name: string
}

/** A schema that is not there replicates nothing, without a word. Errors: HS_CONFIG_INVALID naming each. */
export async function requireConfiguredSchemas(
  db: Queryable,
  { replicatedSchemas, schema }: DatabaseConfig,
): Promise<void> {
  const there = await readSchemaNames(db)
  const others = there.filter((name) => name !== schema)
  const fields = replicatedSchemas.flatMap((name, index): FieldProblem[] => {
    const field = `database.replicatedSchemas.${index}`
    const value = JSON.stringify(name)
    if (name === schema)
      return [
        {
          field,
          value,
          message: 'is the schema of hot standby itself',
          remedy: 'Remove it from the list.',
        },
      ]
    if (there.includes(name)) return []
    const remedy = `Run the migrations of the platform first, or correct the name: this database has ${others.join(', ')}.`
    return [{ field, value, message: 'does not exist in this database', remedy }]
  })
  if (fields.length > 0) throw new HotStandbyError('HS_CONFIG_INVALID', { fields })
}

/**
 * Exclusions that exclude nothing: a mistyped name means that what belongs to one server is replicated. They are told
 * and not refused, since a table may be one that only an older or newer firmware has.
 */
export async function findUnknownExclusions(
  db: Queryable,
  { exclude, replicatedSchemas }: DatabaseConfig,
): Promise<readonly UnknownName[]> {
  const relations = await readCatalogue(db, replicatedSchemas)
  const tablesOf = (name: string): readonly CatalogueTable[] =>
    relations.filter((relation) => namesTable(name, relation))
  const unknownTables = (field: string, names: readonly string[]): UnknownName[] =>
    names.filter((name) => tablesOf(name).length === 0).map((name) => ({ field, name }))
  const unknownColumns = Object.entries(exclude.columns).flatMap(([table, columns]) => {
    const known = tablesOf(table).flatMap((relation) => relation.columns.map(({ name }) => name))
    if (known.length === 0) return []
    return columns
      .filter((column) => !known.includes(column))
      .map((column) => ({ field: 'database.exclude.columns', name: `${table}.${column}` }))
  })
  return [
    ...unknownTables('database.exclude.tables', exclude.tables),
    ...unknownTables('database.exclude.columns', Object.keys(exclude.columns)),
    ...unknownColumns,
    ...unknownTables('database.exclude.rows', Object.keys(exclude.rows)),
  ]
}
