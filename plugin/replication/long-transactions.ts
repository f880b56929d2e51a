import type { Queryable } from '../db/transaction.ts'
import type { EngineEvents } from './engine-events.ts'
import { oldestTransaction } from './queries/blocking.ts'

const LOOK_MS = 20_000
/** Nothing that a PBX does takes so long. */
const LONG_MS = 600_000

/** Tells of a transaction that stays open: nothing waits for it, but what it could still see cannot be cleaned up. */
export class LongTransactions {
  readonly #events: EngineEvents
  readonly #now: () => number
  #lookedAt: number | null = null
  #oldest: { readonly id: string; readonly since: number } | null = null
  #told = false

  constructor(events: EngineEvents, now: () => number) {
    this.#events = events
    this.#now = now
  }

  /** Age by our own clock, from when it was first seen. */
  async look(db: Queryable): Promise<void> {
    const now = this.#now()
    if (this.#lookedAt !== null && Math.abs(now - this.#lookedAt) < LOOK_MS) return
    this.#lookedAt = now
    const found = await oldestTransaction(db)
    if (found?.id !== this.#oldest?.id) {
      this.#oldest = found === null ? null : { id: found.id, since: now }
      if (this.#told) this.#events.history('longTransactionEnded', 'another one is the oldest', {})
      this.#told = false
    }
    if (this.#told || found === null || this.#oldest === null) return
    const openMs = now - this.#oldest.since
    if (openMs < LONG_MS) return
    this.#told = true
    const minutes = Math.floor(openMs / 60_000)
    const reason = `${found.holder} has kept a transaction open for ${minutes} minutes`
    this.#events.history('longTransaction', reason, { holder: found.holder, openMs })
  }
}
