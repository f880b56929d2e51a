import type { QuotedName } from '../../db/identifiers.ts'
import { type Queryable, textRow } from '../../db/transaction.ts'

export interface Tick {
  readonly tickId: string
  readonly snapshot: string
}

/** Makes a snapshot durable on the active; the session's commits are synchronous. */
export async function writeTick(
  db: Queryable,
  schema: QuotedName,
  snapshot: string,
): Promise<Tick> {
  const row = await textRow(
    db,
    `insert into ${schema}.tick (snapshot, of_standby) values ($1::pg_snapshot, true) returning tick_id::text`,
    [snapshot],
  )
  return { tickId: row?.['tick_id'] ?? '0', snapshot }
}

/** A tick of now: everything committed before is visible in it. */
export async function writeTickNow(db: Queryable, schema: QuotedName): Promise<Tick> {
  const row = await textRow(
    db,
    `insert into ${schema}.tick (snapshot) values (pg_catalog.pg_current_snapshot())
     returning tick_id::text, snapshot::text`,
  )
  return { tickId: row?.['tick_id'] ?? '0', snapshot: row?.['snapshot'] ?? '' }
}

/**
 * The tick by which this server knows a position: the one of its snapshot, or else the one that was durable before it,
 * when a crash came between a batch and its tick. Null when this server has neither (it was restored, or is another one).
 */
export async function findTick(
  db: Queryable,
  schema: QuotedName,
  position: { readonly snapshot: string; readonly tickId: string; readonly tickSnapshot: string },
): Promise<Tick | null> {
  const row = await textRow(
    db,
    `select t.tick_id::text, t.snapshot::text from ${schema}.tick t
     where t.tick_id >= $1 and t.snapshot::text = $2 or t.tick_id = $1 and t.snapshot::text = $3
     order by (t.snapshot::text = $2) desc, t.tick_id limit 1`,
    [position.tickId, position.snapshot, position.tickSnapshot],
  )
  return row === null ? null : { tickId: row['tick_id'] ?? '0', snapshot: row['snapshot'] ?? '' }
}

export async function newestTick(db: Queryable, schema: QuotedName): Promise<Tick | null> {
  const row = await textRow(
    db,
    `select tick_id::text, snapshot::text from ${schema}.tick order by tick.tick_id desc limit 1`,
  )
  return row === null ? null : { tickId: row['tick_id'] ?? '0', snapshot: row['snapshot'] ?? '' }
}

/** What the standby has applied; only ever forward. */
export async function acknowledge(
  db: Queryable,
  schema: QuotedName,
  tick: Tick,
  generation: string | null,
): Promise<void> {
  await db.query(
    `update ${schema}.server_state set acknowledged_tick_id = $1, acknowledged_snapshot = $2
     where coalesce(acknowledged_tick_id, 0) < $1 and ($3::uuid is null or generation = $3::uuid)`,
    [tick.tickId, tick.snapshot, generation],
  )
}

/** Drops ticks that nobody can come back to: older than the acknowledged one, some kept to recognise a rewound standby. */
export async function pruneTicks(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(
    `delete from ${schema}.tick where tick_id < (
       select least(coalesce(s.acknowledged_tick_id, m.newest), m.newest) - 1000
       from ${schema}.server_state s, (select coalesce(max(tick_id), 0) as newest from ${schema}.tick) m)
       and tick_id not in (select tick_id from ${schema}.promotion)`,
  )
}
