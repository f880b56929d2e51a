import { closeQuietly, type Connector, urlConnector } from '../db/connector.ts'
import { runMigrations } from '../db/migrate.ts'
import { HotStandbyError } from '../errors.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { DatabaseConfig } from './database-config.ts'
import { type CaptureReport, reconcileCapture } from './reconcile-capture.ts'

export interface MigrationReport {
  /** Migrations that were applied now. */
  readonly migrations: readonly string[]
  readonly capture: CaptureReport
}

/** Applies migrations and installs or reconciles capture; what `hot-standby migrate` does. Idempotent. */
export async function migrateDatabase(config: DatabaseConfig): Promise<MigrationReport> {
  const client = await ownerConnector(config).open('migrate')
  try {
    const migrations = await runMigrations(client, config.schema, MIGRATIONS)
    const capture = await reconcileCapture(client, config, replicatorRole(config))
    return { migrations, capture }
  } finally {
    await closeQuietly(client)
  }
}

/** The connection that may change tables: the owner's when one is configured. */
export function ownerConnector(config: DatabaseConfig): Connector {
  const { ownerUrl } = config
  if (ownerUrl === undefined) return urlConnector(config.url, config.passwordFile)
  return urlConnector(ownerUrl, config.ownerPasswordFile)
}

/** The role that the agent logs in as: it is named by the connection. Errors: HS_CONFIG_INVALID. */
export function replicatorRole(config: DatabaseConfig): string {
  const user = decodeURIComponent(new URL(config.url).username)
  if (user !== '') return user
  throw new HotStandbyError('HS_CONFIG_INVALID', {
    fields: [
      {
        field: 'database.url',
        value: config.url,
        message: 'names no role',
        remedy: 'Write `postgres://role@host:port/database`.',
      },
    ],
  })
}
