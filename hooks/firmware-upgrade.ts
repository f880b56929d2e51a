import type { Knex } from 'knex'
import { HotStandbyError } from '../plugin/errors.ts'

/** Our database migrations, for the platform's upgrade: run them after its own. */
export interface PlatformMigrations {
  /** For platforms that run knex migrations themselves: `knex.migrate.latest({ migrationSource, tableName })`. */
  readonly source: Knex.MigrationSource<string>
  /** Applies what is missing; idempotent. Returns the names that were applied now. Needs `knex`. */
  latest(): Promise<readonly string[]>
}

/** The same rows are kept as by `hot-standby migrate`, so both may run, in any order. */
export interface MigrationPorts {
  readonly names: readonly string[]
  /** Applies what is missing up to this migration. */
  readonly applyUpTo: (connection: unknown, name: string) => Promise<readonly string[]>
}

/** Runs migrations on connections that the platform's knex lends. */
export function createMigrations(knex: Knex | null, ports: MigrationPorts): PlatformMigrations {
  const apply = async (lender: Knex, name: string): Promise<readonly string[]> => {
    const pool = lender.client as ConnectionPool
    const connection = await pool.acquireConnection()
    try {
      return await ports.applyUpTo(connection, name)
    } finally {
      await pool.releaseConnection(connection)
    }
  }
  return {
    source: {
      getMigrations: () => Promise.resolve([...ports.names]),
      getMigrationName: (name) => `hot_standby_${name}`,
      getMigration: (name) =>
        Promise.resolve({
          up: (lender: Knex) => apply(lender, name).then(() => undefined),
          down: () => Promise.reject(new Error('Run `hot-standby disable` instead.')),
          // Ours is one transaction under a lock of its own.
          config: { transaction: false },
        }),
    },
    async latest() {
      const newest = ports.names.at(-1)
      if (knex === null)
        throw new HotStandbyError('HS_CONFIG_INVALID', {
          reason: 'migrations need the platform’s knex',
          remedy: 'Give { knex } to createHotStandby.',
        })
      return newest === undefined ? [] : apply(knex, newest)
    },
  }
}

/** Part of knex's client, which has no type of its own. */
interface ConnectionPool {
  acquireConnection(): Promise<unknown>
  releaseConnection(connection: unknown): Promise<void>
}
