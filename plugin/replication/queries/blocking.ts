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

/**
 * Ends every session of ours that somebody has been waiting for longer than this, and tells how many. Stateless and on
 * the server itself, so that it also works when the standby that holds the lock is gone without a word.
 */
export async function endBlockers(db: Queryable, patienceMs: number): Promise<number> {
  const row = await textRow(
    db,
    `select count(pg_catalog.pg_terminate_backend(a.pid))::text as ended from pg_catalog.pg_stat_activity a
     where a.usename = current_user and a.datname = current_database() and a.pid <> pg_catalog.pg_backend_pid()
       and a.application_name like 'hot-standby %'
       and a.pid = any (array(
         select pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) from pg_catalog.pg_locks l
         where not l.granted and l.waitstart < pg_catalog.clock_timestamp() - $1 * interval '1 millisecond'))`,
    [patienceMs],
  )
  return Number(row?.['ended'] ?? 0)
}

/**
 * Whoever holds back the cleaning up of this database the furthest: a session with its transaction or snapshot, or a
 * prepared transaction. Times, kinds and names of other roles' sessions are hidden from ours; their transaction ids are not.
 */
export async function oldestTransaction(
  db: Queryable,
): Promise<{ readonly id: string; readonly holder: string } | null> {
  const row = await textRow(
    db,
    `select h.id, h.holder from (
       select pg_catalog.concat_ws(' ', a.pid, x.xid) as id, pg_catalog.age(x.xid) as age,
         pg_catalog.concat_ws(' ', 'session', a.pid, 'of', a.usename, nullif(a.application_name, '')) as holder
       from pg_catalog.pg_stat_activity a
       cross join lateral (select case when a.backend_xid is null or pg_catalog.age(a.backend_xmin) > pg_catalog.age(a.backend_xid)
         then a.backend_xmin else a.backend_xid end as xid) x
       where a.datname = current_database() and x.xid is not null and a.pid <> pg_catalog.pg_backend_pid()
         and a.usename is not null and coalesce(a.application_name, '') not like 'hot-standby %'
       union all
       select p.gid, pg_catalog.age(p.transaction), pg_catalog.format('the prepared transaction %L of %s', p.gid, p.owner)
       from pg_catalog.pg_prepared_xacts p where p.database = current_database()) h
     order by h.age desc, h.id limit 1`,
  )
  return row === null ? null : { id: row['id'] ?? '', holder: row['holder'] ?? '' }
}
