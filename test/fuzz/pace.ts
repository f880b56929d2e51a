import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../simulation/random.ts'

const LONGEST_WAIT_MS = 400

/**
 * How many transactions the writers do between two cuts: often a few, at times very many. Without it the speed of the
 * machine would decide, and most batches would be alike.
 */
export class Pace {
  readonly #random: Random
  #left = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** A cut was taken. */
  nextCut(): void {
    const { next, pick } = this.#random
    this.#left = Math.ceil(next() * pick([3, 3, 10, 30, 300]))
  }

  /** Waits for leave to begin a transaction; not for ever, since a cut may need a change to come about. */
  async leave(): Promise<void> {
    const until = performance.now() + LONGEST_WAIT_MS
    while (this.#left <= 0 && performance.now() < until) await sleep(2)
    this.#left--
  }
}
