import { closeQuietly, urlConnector } from '../db/connector.ts'
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
  const connector = urlConnector(
    config.ownerUrl ?? config.url,
    config.ownerUrl === undefined ? config.passwordFile : config.ownerPasswordFile,
  )
  const client = await connector.open('migrate')
  try {
    const migrations = await runMigrations(client, config.schema, MIGRATIONS)
    const capture = await reconcileCapture(client, config, replicatorRole(config))
    return { migrations, capture }
  } finally {
    await closeQuietly(client)
  }
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
