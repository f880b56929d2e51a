import { HotStandbyError } from '../errors.ts'
import { quoteName } from './identifiers.ts'
import type { Migration } from './migration.ts'
import { withSchema } from './sql-file.ts'
import { inTransaction, type Queryable, textRow, textRows } from './transaction.ts'

/** Any number: it only has to be the same for every runner of this package. */
const MIGRATION_LOCK = '7421000000000001'

/**
 * Applies what is missing, all in one transaction under one lock, so that two runners or a crash do no harm. Returns
 * the names of the migrations that were applied now.
 */
export async function runMigrations(
  client: Queryable,
  schemaName: string,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const schema = quoteName(schemaName)
  return inTransaction(client, async () => {
    await client.query(`select pg_catalog.pg_advisory_xact_lock(${MIGRATION_LOCK})`)
    if (!(await schemaExists(client, schemaName))) await client.query(`create schema ${schema}`)
    await client.query(
      `create table if not exists ${schema}.migration (
         name text primary key, applied_at timestamptz not null default clock_timestamp())`,
    )
    const done = await appliedMigrations(client, schemaName)
    refuseUnknown(done, migrations)
    const missing = migrations.filter((migration) => !done.includes(migration.name))
    for (const migration of missing) {
      await client.query(withSchema(migration.sql, schema))
      await client.query(`insert into ${schema}.migration (name) values ($1)`, [migration.name])
    }
    return missing.map((migration) => migration.name)
  })
}

/** The migrations that this database has; none when the schema is not there. */
export async function appliedMigrations(
  client: Queryable,
  schemaName: string,
): Promise<readonly string[]> {
  const there = await textRow(client, 'select pg_catalog.to_regclass($1) is not null as there', [
    `${quoteName(schemaName)}.migration`,
  ])
  if (there?.['there'] !== 't' && (there?.['there'] as unknown) !== true) return []
  const rows = await textRows(
    client,
    `select name from ${quoteName(schemaName)}.migration order by name`,
  )
  return rows.map((row) => row['name'] ?? '')
}

async function schemaExists(client: Queryable, name: string): Promise<boolean> {
  return (
    (await textRow(client, 'select from pg_catalog.pg_namespace where nspname = $1', [name])) !==
    null
  )
}

/** A newer package has migrated this database; going on with older SQL would write wrong things. */
function refuseUnknown(done: readonly string[], migrations: readonly Migration[]): void {
  const known = new Set(migrations.map((migration) => migration.name))
  const unknown = done.filter((name) => !known.has(name))
  if (unknown.length === 0) return
  throw new HotStandbyError('HS_DATABASE_NOT_MIGRATED', {
    reason: `the schema is newer than this package (${unknown.join(', ')})`,
    remedy: 'Install the same or a newer version of the package.',
  })
}
