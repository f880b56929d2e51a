import type { Queryable } from '../db/transaction.ts'

/**
 * The steps of the batch protocol in their order, by name. A crash between any two of them must neither lose nor
 * double a change, which the crash matrix proves by stopping at each.
 */
export const BATCH_STEPS = [
  /** Follower: the tables of the batch are locked on the active; the snapshot is not taken yet. */
  'locked',
  /** Follower: the cut is fixed; `reader` is in it. */
  'snapshotTaken',
  /**
   * Follower: the snapshot is durable on the active. May come at any time between `snapshotTaken` and `sequencesMoved`;
   * where the active's log was on disk beyond the snapshot already, between `snapshotTaken` and `acknowledged`.
   */
  'tickWritten',
  /** Follower, each table that is applied by keys: its keys have been read. */
  'keysRead',
  /** Follower, each table: the rows that have changed are deleted. */
  'deleted',
  /** Follower, each table: the rows as they are in the snapshot are in place. */
  'copied',
  /** Follower: everything but the position is done; what the snapshot sees is durable on the active. */
  'sequencesMoved',
  /** Follower: the new position is written. */
  'positionMoved',
  /** Follower: the commit is the next statement. */
  'beforeCommit',
  /** Follower: the standby has committed; nothing of the next batch has begun on it. */
  'committed',
  /** Follower: the active knows that the standby has it. */
  'acknowledged',
  /** Active: what was acknowledged is deleted from the journal. */
  'purged',
] as const

export type BatchStep = (typeof BATCH_STEPS)[number]

/** The batch's own sessions: on the active, in its snapshot from `snapshotTaken` on; and on the standby. */
export interface StepPlace {
  readonly reader: Queryable
  readonly writer: Queryable
}

/** Is waited for at every step. `place` is null where no batch is in progress. */
export type OnStep = (step: BatchStep, place: StepPlace | null) => Promise<void>
