import { quoteName } from './identifiers.ts'
import type { Migration } from './migration.ts'
import { withSchema } from './sql-file.ts'

/** The part of knex that a migration uses. */
interface RawRunner {
  raw(sql: string): PromiseLike<unknown>
}

interface KnexMigration {
  up(knex: RawRunner): Promise<void>
  down(knex: RawRunner): Promise<void>
}

/** A migration source for `knex.migrate`, for platforms that run knex themselves. */
export interface KnexMigrationSource {
  getMigrations(): Promise<Migration[]>
  getMigrationName(migration: Migration): string
  getMigration(migration: Migration): Promise<KnexMigration>
}

/**
 * Our migrations for knex, which keeps its own list of them. Use a `tableName` of your own for them. The journal table
 * `migration` is kept as well, so that `hot-standby migrate` and knex agree on what was done.
 */
export function createKnexMigrationSource(
  schemaName: string,
  migrations: readonly Migration[],
): KnexMigrationSource {
  const schema = quoteName(schemaName)
  return {
    getMigrations: () => Promise.resolve([...migrations]),
    getMigrationName: (migration) => `hot_standby_${migration.name}`,
    getMigration: (migration) =>
      Promise.resolve({
        up: async (knex) => {
          await knex.raw(upSql(schemaName, migration))
        },
        down: async (knex) => {
          await knex.raw(`drop schema if exists ${schema} cascade`)
        },
      }),
  }
}

/** knex takes a question mark for a binding even when there are none, so ours may hold none; a test checks it. */
function upSql(schemaName: string, migration: Migration): string {
  const schema = quoteName(schemaName)
  const name = migration.name.replaceAll("'", "''")
  const guarded = withSchema(migration.sql, schema)
  return `
    create schema if not exists ${schema};
    create table if not exists ${schema}.migration (
      name text primary key, applied_at timestamptz not null default clock_timestamp());
    ${guarded}
    insert into ${schema}.migration (name) values ('${name}');`.replaceAll('?', '\\?')
}
