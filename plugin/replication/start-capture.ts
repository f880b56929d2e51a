import { delay } from '../db/delay.ts'
import type { QuotedName } from '../db/identifiers.ts'
import type { Queryable } from '../db/transaction.ts'
import { HotStandbyError } from '../errors.ts'
import {
  currentSnapshot,
  readServerState,
  setCaptureMode,
  writersInFlight,
} from './queries/state.ts'

const POLL_MS = 20

/** Switches capture on where it was off, and waits for whoever wrote while it still was: a copy needs every change. */
export async function startCapture(
  db: Queryable,
  schema: QuotedName,
  stop: AbortSignal,
): Promise<void> {
  const state = await readServerState(db, schema)
  if (state.mode !== 'off') return
  await setCaptureMode(db, schema, 'capture')
  await waitForWriters(db, Number.POSITIVE_INFINITY, stop)
}

/**
 * Waits until every transaction has ended that may have written under the former mode. Takes no locks, so nobody waits
 * for us. Errors: HS_TIMEOUT, naming who is still writing.
 */
export async function waitForWriters(
  db: Queryable,
  timeoutMs: number,
  stop?: AbortSignal,
): Promise<void> {
  const snapshot = await currentSnapshot(db)
  const until = Date.now() + timeoutMs
  for (;;) {
    const writers = await writersInFlight(db, snapshot)
    if (writers.length === 0 || stop?.aborted === true) return
    if (Date.now() >= until) {
      const names = writers.map(
        (writer) => `${writer.who}${writer.pid === null ? '' : ` (pid ${writer.pid})`}`,
      )
      throw new HotStandbyError('HS_TIMEOUT', {
        reason: `transactions are still open: ${[...new Set(names)].join(', ')}`,
        remedy: 'End these transactions, then try again.',
      })
    }
    await delay(POLL_MS, stop)
  }
}
