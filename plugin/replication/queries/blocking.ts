import { type Queryable, textRow } from '../../db/transaction.ts'

export async function backendPid(db: Queryable): Promise<string> {
  const row = await textRow(db, 'select pg_catalog.pg_backend_pid()::text as pid')
  return row?.['pid'] ?? '0'
}

/** Somebody waits for a lock that this session holds. */
export async function blockedBy(db: Queryable, pid: string): Promise<boolean> {
  const row = await textRow(
    db,
    `select from pg_catalog.pg_locks l
     where not l.granted and $1::integer = any (pg_catalog.pg_blocking_pids(l.pid)) limit 1`,
    [pid],
  )
  return row !== null
}

/** Ends a session of the same role, and with it its locks, whatever it does now. */
export async function endSession(db: Queryable, pid: string): Promise<void> {
  await db.query('select pg_catalog.pg_terminate_backend($1::integer)', [pid])
}
