import type { QuotedName } from '../../db/identifiers.ts'
import { type Queryable, textRow } from '../../db/transaction.ts'

/** What the standby looks at in every round, in one statement. */
export interface SourceMark {
  readonly role: string
  readonly generation: string
  readonly term: number
  readonly newestTickId: bigint
  readonly capturing: boolean
}

export async function readSourceMark(db: Queryable, schema: QuotedName): Promise<SourceMark> {
  const row = await textRow(
    db,
    `select s.role, s.generation::text, (select coalesce(max(term), 0) from ${schema}.promotion)::text as term,
       (select coalesce(max(tick_id), 0) from ${schema}.tick)::text as newest,
       (select last_value > 1 from ${schema}.capture_mode)::text as capturing
     from ${schema}.server_state s`,
  )
  return {
    role: row?.['role'] ?? 'off',
    generation: row?.['generation'] ?? '',
    term: Number(row?.['term'] ?? 0),
    newestTickId: BigInt(row?.['newest'] ?? 0),
    capturing: row?.['capturing'] === 'true',
  }
}

/** Held while the reader is awake: nobody needs to notify it. */
export async function holdWakeGate(db: Queryable, schema: QuotedName): Promise<boolean> {
  const row = await textRow(
    db,
    `select pg_catalog.pg_try_advisory_lock(${schema}.wake_gate())::text as held`,
  )
  return row?.['held'] === 'true'
}

export async function releaseWakeGate(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(`select pg_catalog.pg_advisory_unlock(${schema}.wake_gate())`)
}

/** Begins a transaction whose snapshot is not taken yet: locks come first. */
export async function beginReading(db: Queryable, lockTimeoutMs: number): Promise<void> {
  await db.query(
    `begin isolation level repeatable read read only; set local lock_timeout = ${lockTimeoutMs}`,
  )
}
