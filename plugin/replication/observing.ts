import type { ApplyContext } from './batch.ts'
import { readTableSignals, type SequenceState } from './queries/catalogue.ts'
import { readAllSequences } from './sequences.ts'
import { displayName } from './table-description.ts'

const OBSERVE_MS = 2000

/**
 * Looks every two seconds for what triggers do not tell: capture that was bypassed, and sequences. On a connection of
 * its own and beside the batches, because with hundreds of tables it takes longer than a batch.
 */
export class Observing {
  readonly #context: ApplyContext
  readonly #wake: () => void
  #begun = false
  #observedAt = 0
  #observedSnapshot = ''
  #running: Promise<void> | null = null
  #differs = false
  #sequences: readonly SequenceState[] = []
  #failure: Error | null = null

  constructor(context: ApplyContext, wake: () => void) {
    this.#context = context
    this.#wake = wake
  }

  /** The tables are to be looked at in the next batch; always in the first one. Errors: what a look ended with. */
  inspectionDue(snapshot: string): boolean {
    if (this.#failure !== null) throw this.#failure
    this.#startWhenDue(snapshot)
    const due = this.#differs || !this.#begun
    this.#begun = true
    this.#differs = false
    return due
  }

  hasNews(snapshot: string): boolean {
    this.#startWhenDue(snapshot)
    return this.#differs || this.#failure !== null || this.#sequences.length > 0
  }

  /** Sequences that have moved since they were last read. */
  takeSequences(): readonly SequenceState[] {
    const found = this.#sequences
    this.#sequences = []
    return found
  }

  async end(): Promise<void> {
    await this.#running
  }

  /** Without a transaction since the last look nothing can have changed on the active. */
  #startWhenDue(snapshot: string): void {
    const now = Date.now()
    if (this.#running !== null || now - this.#observedAt < OBSERVE_MS) return
    this.#observedAt = now
    const waiting = this.#context.states.quarantined().length > 0
    if (snapshot === this.#observedSnapshot && !waiting) return
    this.#observedSnapshot = snapshot
    this.#running = this.#observe()
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error))
        this.#wake()
      })
      .finally(() => {
        this.#running = null
      })
  }

  async #observe(): Promise<void> {
    const { observer, schema, states, sequences } = this.#context
    const differs = states.differ(await readTableSignals(observer, schema))
    const found = await readAllSequences(this.#context)
    this.#sequences = found.filter(
      (one) => one.lastValue !== null && sequences.get(displayName(one)) !== one.lastValue,
    )
    this.#differs ||= differs
    if (this.#differs || this.#sequences.length > 0) this.#wake()
  }
}
