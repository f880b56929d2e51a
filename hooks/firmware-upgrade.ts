import type { Knex } from 'knex'

/** The calls of a platform's upgrade, after its own migrations. */
export interface Migrations {
  /** For platforms that run knex migrations themselves. */
  readonly source: Knex.MigrationSource<unknown>
  /** Applies what is pending; idempotent. Returns the names that were applied. */
  latest(): Promise<readonly string[]>
}

/** Runs our migrations in the platform's database, with a table and a lock of their own. */
export function createMigrations(
  knex: Knex | null,
  source: Knex.MigrationSource<unknown>,
): Migrations {
  return {
    source,
    async latest() {
      if (knex === null) throw new Error('Give { knex } to createHotStandby to run migrations.')
      const [, names] = (await knex.migrate.latest({
        migrationSource: source,
        tableName: 'hot_standby_migrations',
      })) as [number, string[]]
      return names
    },
  }
}
