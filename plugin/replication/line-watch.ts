import type { Queryable } from '../db/transaction.ts'
import { delay } from '../db/delay.ts'

const LOOK_MS = 3000
/** A busy server answers late; a dead line never. */
const SILENCE_MS = 10_000

/**
 * Asks the active for a sign of life on a connection on which nothing long runs, and rejects when none comes: a
 * half-open connection tells nobody that it is dead, and a batch would wait on it for ever. Resolves when stopped.
 */
export async function watchLine(db: Queryable, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await delay(LOOK_MS, stop)
    if (stop.aborted) return
    const answered = new AbortController()
    const late = delay(SILENCE_MS, answered.signal).then(() => 'late' as const)
    // A connection that is lost is noticed by whoever uses it; who stops ends it, and with it the question.
    const answer = db.query('select 1').then(
      () => 'answered' as const,
      () => 'answered' as const,
    )
    const first = await Promise.race([answer, late])
    answered.abort()
    if (first === 'late' && !stop.aborted)
      throw new Error('the connection to the active server has gone silent')
  }
}
