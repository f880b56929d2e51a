import type { NotReplicated } from '../api/status-document.ts'
import { quoteName } from '../db/identifiers.ts'
import { appliedMigrations } from '../db/migrate.ts'
import { type Queryable, textRow } from '../db/transaction.ts'
import { HotStandbyError } from '../errors.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { DatabaseConfig } from './database-config.ts'
import { freeBytes } from './free-bytes.ts'
import { isBefore, newGeneration, readServerState, type ServerState } from './queries/state.ts'
import { newestTick } from './queries/ticks.ts'
import { readTableCatalogue, schemaFingerprint, type TableCatalogue } from './table-catalogue.ts'

/** Also a check of `hot-standby doctor`. */
export { requireRowConditions } from './row-conditions.ts'

/** For `hot-standby doctor`: foreign keys of replicated tables to tables that are not. */
export async function danglingReferences(
  db: Queryable,
  config: DatabaseConfig,
): Promise<readonly NotReplicated[]> {
  const { notReplicated } = await readTableCatalogue(db, config)
  return notReplicated.filter(({ kind }) => kind === 'reference')
}

export interface OpenedDatabase {
  readonly role: ServerState['role']
  readonly term: number
  readonly catalogue: TableCatalogue
  /** A restored copy or a crash has taken the database back to before what it had promised. */
  readonly rewound: boolean
}

/** Checks that the database can be used and is ours. Errors: HS_DATABASE_*. */
export async function openDatabase(
  db: Queryable,
  input: { readonly config: DatabaseConfig; readonly serverId: string },
): Promise<OpenedDatabase> {
  const { config, serverId } = input
  const schema = quoteName(config.schema)
  await requireSupported(db)
  await requireMigrated(db, config)
  await requireRights(db)
  const state = await readServerState(db, schema)
  if (!state.isOurs) {
    throw new HotStandbyError('HS_DATABASE_FOREIGN', {
      reason:
        'its hot standby schema was made in another PostgreSQL cluster or database, so it is a copy',
    })
  }
  if (state.serverId !== null && state.serverId !== serverId) {
    throw new HotStandbyError('HS_DATABASE_FOREIGN', {
      reason: `it belongs to server ${state.serverId}`,
    })
  }
  const tick = await newestTick(db, schema)
  const rewound = tick !== null && (await isBefore(db, tick.snapshot))
  if (rewound) await newGeneration(db, schema)
  return {
    role: state.role,
    term: state.term,
    catalogue: await readTableCatalogue(db, config),
    rewound,
  }
}

/** Also a check of `hot-standby doctor`. */
export async function requireSupported(db: Queryable): Promise<void> {
  const row = await textRow(
    db,
    `select pg_catalog.current_setting('server_version_num') as version, pg_catalog.pg_is_in_recovery()::text as recovery,
       pg_catalog.pg_backend_pid()::text as pid, pg_catalog.current_setting('server_encoding') as encoding`,
  )
  const again = await textRow(db, 'select pg_catalog.pg_backend_pid()::text as pid')
  const major = Math.floor(Number(row?.['version'] ?? 0) / 10_000)
  if (major < 15) throw unsupported(`it is version ${major}`)
  if (row?.['recovery'] === 'true')
    throw unsupported('it is a physical replica, which cannot be written to')
  if (row?.['pid'] !== again?.['pid'])
    throw unsupported('a pooler in transaction mode is in between')
  // A pooler of any kind tells a number of its own: settings, locks and notifications would be another client's.
  const told = 'processID' in db ? db.processID : null
  if (typeof told === 'number' && String(told) !== row?.['pid'])
    throw unsupported('a pooler is in between, and must be left out for this role')
  if (row?.['encoding'] === 'SQL_ASCII')
    throw unsupported('it has no encoding (SQL_ASCII), so its text cannot be told from garbage')
}

function unsupported(reason: string): HotStandbyError {
  return new HotStandbyError('HS_DATABASE_UNSUPPORTED', { reason })
}

/** Also a check of `hot-standby doctor`. */
export async function requireMigrated(db: Queryable, config: DatabaseConfig): Promise<void> {
  const done = await appliedMigrations(db, config.schema)
  const missing = MIGRATIONS.filter((migration) => !done.includes(migration.name))
  if (missing.length > 0) {
    const reason = `missing: ${missing.map((migration) => migration.name).join(', ')}`
    throw new HotStandbyError('HS_DATABASE_NOT_MIGRATED', { reason })
  }
}

/** Also a check of `hot-standby doctor`. */
export async function requireRights(db: Queryable): Promise<void> {
  const row = await textRow(
    db,
    `select (rolsuper or pg_catalog.has_parameter_privilege(oid, 'session_replication_role', 'set'))::text as may,
       rolname from pg_catalog.pg_roles where rolname = current_user`,
  )
  if (row?.['may'] === 'true') return
  const role = quoteName(row?.['rolname'] ?? '')
  const statement = `grant set on parameter session_replication_role to ${role};`
  throw new HotStandbyError('HS_DATABASE_RIGHTS', {
    reason: 'it may not set session_replication_role',
    remedy: `Run as superuser: ${statement}`,
    statements: [statement],
  })
}

/** Version, schema fingerprint and room on the disk, for the requirement checks. */
export async function readDatabaseFacts(
  db: Queryable,
  config: DatabaseConfig,
): Promise<{
  readonly postgresVersion: number
  readonly schemaFingerprint: string
  readonly freeDiskBytes: number | null
}> {
  const row = await textRow(
    db,
    `select pg_catalog.current_setting('server_version_num') as version,
       case when pg_catalog.pg_has_role('pg_read_all_settings', 'member')
         then pg_catalog.current_setting('data_directory') end as directory`,
  )
  const catalogue = await readTableCatalogue(db, config)
  return {
    postgresVersion: Math.floor(Number(row?.['version'] ?? 0) / 10_000),
    schemaFingerprint: schemaFingerprint(catalogue.tables),
    freeDiskBytes: (await freeBytes(row?.['directory'] ?? null)) ?? (await freeBytes('/')),
  }
}
