import type { QuotedName } from '../../db/identifiers.ts'
import { type Queryable, textRow } from '../../db/transaction.ts'

/** The row of `server_state`, with what the server itself says of its identity now. */
export interface ServerState {
  readonly serverId: string | null
  readonly role: 'off' | 'active' | 'standby'
  readonly mode: 'off' | 'capture' | 'locked'
  readonly generation: string
  readonly purgedTickId: string
  readonly acknowledgedTickId: string | null
  readonly acknowledgedSnapshot: string | null
  readonly handedOverTickId: string | null
  readonly handedOverSnapshot: string | null
  /** Newest promotion of this server; 0 when it never was promoted. */
  readonly term: number
  /** The database is the one that the schema was made in: same cluster, same database. */
  readonly isOurs: boolean
  readonly inRecovery: boolean
}

const MODES = { '1': 'off', '2': 'capture', '3': 'locked' } as const

export async function readServerState(db: Queryable, schema: QuotedName): Promise<ServerState> {
  const row = await textRow(
    db,
    `select s.server_id, s.role, s.generation::text, s.purged_tick_id::text, s.acknowledged_tick_id::text,
       s.acknowledged_snapshot::text, s.handed_over_tick_id::text, s.handed_over_snapshot::text,
       (select last_value from ${schema}.capture_mode)::text as mode,
       (select coalesce(max(term), 0) from ${schema}.promotion)::text as term,
       (s.system_identifier = (select system_identifier::text from pg_catalog.pg_control_system())
         and s.database_oid = (select oid from pg_catalog.pg_database where datname = current_database()))::text
         as is_ours,
       pg_catalog.pg_is_in_recovery()::text as in_recovery
     from ${schema}.server_state s`,
  )
  const mode = MODES[(row?.['mode'] ?? '1') as keyof typeof MODES]
  return {
    serverId: row?.['server_id'] ?? null,
    role: (row?.['role'] ?? 'off') as ServerState['role'],
    mode,
    generation: row?.['generation'] ?? '',
    purgedTickId: row?.['purged_tick_id'] ?? '0',
    acknowledgedTickId: row?.['acknowledged_tick_id'] ?? null,
    acknowledgedSnapshot: row?.['acknowledged_snapshot'] ?? null,
    handedOverTickId: row?.['handed_over_tick_id'] ?? null,
    handedOverSnapshot: row?.['handed_over_snapshot'] ?? null,
    term: Number(row?.['term'] ?? 0),
    isOurs: row?.['is_ours'] === 'true',
    inRecovery: row?.['in_recovery'] === 'true',
  }
}

/** Takes effect at once, for transactions with older snapshots too; survives a crash once committed. */
export async function setCaptureMode(
  db: Queryable,
  schema: QuotedName,
  mode: ServerState['mode'],
): Promise<void> {
  const number = { off: 1, capture: 2, locked: 3 }[mode]
  await db.query(`select pg_catalog.setval($1::regclass, $2)`, [`${schema}.capture_mode`, number])
}

export async function saveRole(
  db: Queryable,
  schema: QuotedName,
  input: {
    readonly serverId: string
    readonly role: ServerState['role']
    readonly activeName: string | null
  },
): Promise<void> {
  await db.query(`update ${schema}.server_state set server_id = $1, role = $2, active_name = $3`, [
    input.serverId,
    input.role,
    input.activeName,
  ])
}

/** The journal starts a new history: nobody may go on from a position of the old one. */
export async function newGeneration(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(
    `update ${schema}.server_state set generation = pg_catalog.gen_random_uuid(), purged_tick_id = 0,
       acknowledged_tick_id = null, acknowledged_snapshot = null`,
  )
}

export async function clearHandOver(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(
    `update ${schema}.server_state set handed_over_tick_id = null, handed_over_snapshot = null`,
  )
}

export async function saveHandOver(
  db: Queryable,
  schema: QuotedName,
  position: { readonly tickId: string; readonly snapshot: string },
): Promise<void> {
  await db.query(
    `update ${schema}.server_state set handed_over_tick_id = $1, handed_over_snapshot = $2`,
    [position.tickId, position.snapshot],
  )
}

/**
 * Transactions of this database that may have written under the former mode: those in progress in the snapshot that
 * still are. A writer has its transaction id before its trigger reads the mode, so none is missed.
 */
export async function writersInFlight(
  db: Queryable,
  snapshot: string,
): Promise<readonly { readonly pid: string | null; readonly who: string }[]> {
  const result = await db.query<{ pid: string | null; who: string }>(
    `select a.pid::text, coalesce(nullif(a.application_name, ''), a.usename, 'a prepared transaction') as who
     from pg_catalog.pg_snapshot_xip($1::pg_snapshot) x
     left join pg_catalog.pg_locks l on l.locktype = 'transactionid' and l.granted and l.mode = 'ExclusiveLock'
       and l.transactionid::text::bigint = x::text::bigint % 4294967296
     left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where not pg_catalog.pg_visible_in_snapshot(x, pg_catalog.pg_current_snapshot())
       and (a.datid is null or a.datid = (select oid from pg_catalog.pg_database where datname = current_database()))`,
    [snapshot],
  )
  return result.rows
}

export async function currentSnapshot(db: Queryable): Promise<string> {
  const row = await textRow(db, 'select pg_catalog.pg_current_snapshot()::text as snapshot')
  return row?.['snapshot'] ?? ''
}

/** A crash or a restored copy has taken the server back to before this snapshot. */
export async function isBefore(db: Queryable, snapshot: string): Promise<boolean> {
  const row = await textRow(
    db,
    `select (pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
       < pg_catalog.pg_snapshot_xmax($1::pg_snapshot))::text as before`,
    [snapshot],
  )
  return row?.['before'] === 'true'
}
