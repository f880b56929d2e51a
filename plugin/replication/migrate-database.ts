import { parseDatabaseUrl } from '../config/database-url.ts'
import { closeQuietly, type Connector, urlConnector } from '../db/connector.ts'
import { runMigrations } from '../db/migrate.ts'
import { HotStandbyError } from '../errors.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import {
  findUnknownExclusions,
  requireConfiguredSchemas,
  type UnknownName,
} from './configured-names.ts'
import type { DatabaseConfig } from './database-config.ts'
import { namingSqlErrors } from './owner-errors.ts'
import { type CaptureReport, reconcileCapture } from './reconcile-capture.ts'
import { requireRowConditions } from './row-conditions.ts'

export interface MigrationReport {
  /** Migrations that were applied now. */
  readonly migrations: readonly string[]
  readonly capture: CaptureReport
  /** Exclusions of the configuration that exclude nothing. */
  readonly unknownExclusions: readonly UnknownName[]
}

/** Applies migrations and installs or reconciles capture; what `hot-standby migrate` does. Idempotent. Errors: HS_CONFIG_INVALID, HS_DATABASE_*. */
export async function migrateDatabase(config: DatabaseConfig): Promise<MigrationReport> {
  const client = await ownerConnector(config).open('migrate')
  try {
    return await namingSqlErrors(async () => {
      const role = replicatorRole(config)
      await requireConfiguredSchemas(client, config)
      await requireRowConditions(client, config)
      const migrations = await runMigrations(client, config.schema, MIGRATIONS)
      const capture = await reconcileCapture(client, config, role)
      const unknownExclusions = await findUnknownExclusions(client, config)
      return { migrations, capture, unknownExclusions }
    })
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
  const user = parseDatabaseUrl(config.url)?.user ?? ''
  if (user !== '') return user
  throw new HotStandbyError('HS_CONFIG_INVALID', {
    fields: [
      {
        field: 'database.url',
        value: '(not shown)',
        message: 'names no role',
        remedy: 'Write `postgres://role@host:port/database`.',
      },
    ],
  })
}
