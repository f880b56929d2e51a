const BACKSTOP_MS = 500
/** While a wake-up may be missing, looks come at growing distances between these. */
const FIRST_LOOK_MS = 2
const LAST_LOOK_MS = 50
const GROWTH = 1.5

/** Why a change might come without a wake-up, or that none can. */
export type Quiet = 'certain' | 'openTransactions' | 'notListening'

/**
 * How long to sleep after a look that found nothing. A writer has its transaction id before it tries the bell, so with
 * the bell held before a snapshot that has nobody in progress, every later change comes with a wake-up. Transactions in
 * progress may have found the bell free; they are looked for, ever less often.
 */
export class Resting {
  #sleepMs = FIRST_LOOK_MS

  /** Something has happened: the next looks come soon again. */
  reset(): void {
    this.#sleepMs = FIRST_LOOK_MS
  }

  nextMs(quiet: Quiet): number {
    if (quiet === 'certain') return BACKSTOP_MS
    const sleepMs = this.#sleepMs
    this.#sleepMs = Math.min(LAST_LOOK_MS, sleepMs * GROWTH)
    return Math.round(sleepMs)
  }
}

/** Nobody had a transaction id and had not ended. */
export function nobodyInProgress(snapshot: string): boolean {
  const [xmin, xmax] = snapshot.split(':')
  return xmin === xmax
}
