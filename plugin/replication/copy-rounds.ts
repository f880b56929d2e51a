import type pg from 'pg'
import { closeQuietly } from '../db/connector.ts'
import { delay } from '../db/delay.ts'
import { describeSqlError, isConnectionLost, sqlStateOf } from '../db/sql-state.ts'
import { type ApplyContext, applyCut, applying, type BatchPlan, type BatchResult } from './batch.ts'
import { CopiedTables } from './copied-tables.ts'
import { GaveWay, givingWay } from './giving-way.ts'

export interface CopyRounds {
  /** Another connection to the active; each round has its own, which is ended to give way. */
  readonly openReader: () => Promise<pg.Client>
  /** The copy was interrupted, and goes on. */
  readonly interrupted: (reason: string) => void
  readonly stop: AbortSignal
}

/** After an interruption: whoever waited for our locks gets them first. */
const PAUSE_MS = 500

/** Lock timeout, deadlock, cancelled, ended by an administrator or by the active's own agent. */
const INTERRUPTIONS = new Set(['55P03', '40P01', '57014', '57P01'])

/**
 * Copies everything. A round ends when somebody waits for one of its locks; the next one brings forward what is here
 * already, by the keys in the active's journal, and goes on with the other tables in a snapshot of its own. This server
 * commits once, when all tables are as of one snapshot. Errors: LineageError, NotReadyError and what SQL throws.
 */
export async function copyInRounds(
  context: ApplyContext,
  plan: Omit<BatchPlan, 'since'>,
  { openReader, interrupted, stop }: CopyRounds,
): Promise<BatchResult> {
  const since = new CopiedTables(plan.lineage.generation)
  const round = async (): Promise<BatchResult> => {
    const reader = await openReader()
    const own = { ...context, reader }
    try {
      return await givingWay(own, () => applyCut(own, { ...plan, since }))
    } finally {
      await closeQuietly(reader)
    }
  }
  return applying(context, async () => {
    for (;;) {
      try {
        return await round()
      } catch (error) {
        if (stop.aborted || !isInterruption(error)) throw error
        // Where more is lost than the round's own connection, all begins again with a new session.
        const { ticker, observer, writer } = context
        await Promise.all([ticker, observer, writer].map((client) => client.query('')))
        interrupted(error instanceof GaveWay ? error.message : describeSqlError(error))
        await delay(PAUSE_MS, stop)
      }
    }
  })
}

function isInterruption(error: unknown): boolean {
  if (error instanceof GaveWay) return true
  const state = sqlStateOf(error)
  return state === undefined ? isConnectionLost(error) : INTERRUPTIONS.has(state)
}
