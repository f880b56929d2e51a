import { type Queryable, textRow } from '../../db/transaction.ts'

/** What the standby looks at in every round, in one statement. */
export interface SourceMark {
  readonly role: string
  readonly generation: string
  readonly term: number
  /** The newest tick that the active wrote itself. */
  readonly newestOwnTickId: bigint
  readonly capturing: boolean
  /** Writes are refused: a hand-over has begun, and nothing changes any more. */
  readonly locked: boolean
}

/** Begins a transaction whose snapshot is not taken yet: locks come first. */
export async function beginReading(db: Queryable, lockTimeoutMs: number): Promise<void> {
  await db.query(
    `begin isolation level repeatable read read only; set local lock_timeout = ${lockTimeoutMs}`,
  )
}

/** NOTIFY would make PREPARE TRANSACTION fail, so with two-phase commit nobody is woken. */
export async function usesTwoPhaseCommit(db: Queryable): Promise<boolean> {
  const row = await textRow(
    db,
    `select (pg_catalog.current_setting('max_prepared_transactions') <> '0')::text as used`,
  )
  return row?.['used'] === 'true'
}
