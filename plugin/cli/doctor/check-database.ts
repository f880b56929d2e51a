import type pg from 'pg'
import { MIGRATIONS } from '../../../migrations/index.ts'
import type { DoctorCheck } from '../../api/agent-api.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { closeQuietly, urlConnector } from '../../db/connector.ts'
import { appliedMigrations } from '../../db/migrate.ts'
import { HotStandbyError, toHotStandbyError } from '../../errors.ts'
import { failed, ok } from './doctor-check.ts'

const OLDEST_VERSION = 150_000
const NEWEST_MAJOR = 18

/** Connection, version and migrations; the agent itself checks rights and owner when it opens the database. */
export async function checkDatabase({ database }: AgentConfig): Promise<DoctorCheck[]> {
  let client: pg.Client | null = null
  try {
    client = await urlConnector(database.url, database.passwordFile).open('doctor')
    return [await checkServer(client), await checkMigrations(client, database.schema)]
  } catch (thrown) {
    return [failed('database', 'Database', toHotStandbyError(thrown))]
  } finally {
    await closeQuietly(client)
  }
}

async function checkServer(client: pg.Client): Promise<DoctorCheck> {
  const { rows } = await client.query<{ version: string; recovery: string; name: string }>(
    `select current_setting('server_version_num') as version, pg_is_in_recovery()::text as recovery,
       current_database() as name`,
  )
  const { version = '0', recovery, name } = rows[0] ?? {}
  const major = Math.floor(Number(version) / 10_000)
  const unusable = (reason: string): DoctorCheck =>
    failed('database', 'Database', new HotStandbyError('HS_DATABASE_UNSUPPORTED', { reason }))
  if (Number(version) < OLDEST_VERSION || major > NEWEST_MAJOR)
    return unusable(`it is PostgreSQL ${major}`)
  if (recovery === 'true') return unusable('it is a read-only replica')
  return ok('database', 'Database', `${name ?? '?'} on PostgreSQL ${major}`)
}

async function checkMigrations(client: pg.Client, schema: string): Promise<DoctorCheck> {
  const done = await appliedMigrations(client, schema)
  const missing = MIGRATIONS.map((migration) => migration.name).filter(
    (name) => !done.includes(name),
  )
  if (missing.length === 0)
    return ok('migrations', 'Migrations', `${done.length} applied in schema ${schema}`)
  const reason = `missing in schema ${schema}: ${missing.join(', ')}`
  return failed(
    'migrations',
    'Migrations',
    new HotStandbyError('HS_DATABASE_NOT_MIGRATED', { reason }),
  )
}
