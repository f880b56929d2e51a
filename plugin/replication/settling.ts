import type { ApplyContext } from './batch.ts'
import type { BeginInput } from './begin-following.ts'
import { toApplied } from './following.ts'
import { flushLog } from './queries/apply.ts'
import type { WindowTable } from './queries/journal.ts'
import { saveChanged, type StoredPosition } from './queries/position.ts'
import { acknowledge, writeTick } from './queries/ticks.ts'

/** Changes that come one by one are settled together. */
const SETTLE_MS = 20
const ACKNOWLEDGE_MS = 1000

/**
 * Makes what quick batches have committed durable on both servers, while the next batches go on: a tick of the position
 * on the active, and the log of this server up to its commit on disk. Only then is anybody told of the position, and
 * may the active drop changes.
 */
export class Settling {
  readonly #context: ApplyContext
  readonly #begin: BeginInput
  readonly #changed = new Set<number>()
  #unsettled = false
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #acknowledgedAt = 0
  #acknowledged = ''
  #failure: Error | null = null
  #ended = false

  constructor(context: ApplyContext, begin: BeginInput) {
    this.#context = context
    this.#begin = begin
    this.#plan(0)
  }

  /** Errors: what settling ended with; the connection is of no more use then. */
  check(): void {
    if (this.#failure !== null) throw this.#failure
  }

  /** A quick batch has committed these changes. */
  applied(window: readonly WindowTable[]): void {
    for (const table of window) this.#changed.add(table.tableId)
    this.#unsettled = true
    this.#plan(SETTLE_MS)
  }

  /** A full batch leaves nothing to settle, but something to acknowledge. */
  fullBatchDone(): void {
    this.#unsettled = false
    this.#plan(0)
  }

  /** Resolves when everything that is applied now is settled. */
  async now(): Promise<void> {
    while (this.#unsettled && this.#failure === null) await (this.#running ?? this.#start())
    this.check()
  }

  async end(): Promise<void> {
    this.#ended = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#running
  }

  #plan(afterMs: number): void {
    if (this.#timer !== null || this.#running !== null || this.#ended || this.#failure !== null)
      return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#start()
    }, afterMs)
  }

  #start(): Promise<void> {
    this.#running ??= this.#settle()
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error))
        this.#begin.following.wake()
      })
      .finally(() => {
        this.#running = null
        this.#planNext()
      })
    return this.#running
  }

  #planNext(): void {
    const { following, input } = this.#begin
    if (this.#unsettled) this.#plan(SETTLE_MS)
    else if (following.settled?.tickId !== this.#acknowledged) {
      this.#plan(Math.max(0, this.#acknowledgedAt + ACKNOWLEDGE_MS - input.now()))
    }
  }

  async #settle(): Promise<void> {
    const { following, input } = this.#begin
    if (this.#unsettled) {
      this.#unsettled = false
      const settled = await this.#makeDurable(following.requirePosition())
      following.settle(settled)
      input.events.applied(toApplied(settled))
    }
    if (input.now() - this.#acknowledgedAt >= ACKNOWLEDGE_MS) await this.#acknowledge()
  }

  async #makeDurable(position: StoredPosition): Promise<StoredPosition> {
    const { ticker, settler, schema, onStep } = this.#context
    const known = position.tickSnapshot === position.snapshot
    const [tick] = await Promise.all([
      known ? null : writeTick(ticker, schema, position.snapshot),
      flushLog(settler),
    ])
    if (tick === null) return position
    await onStep?.('tickWritten', null)
    return { ...position, tickId: tick.tickId, tickSnapshot: tick.snapshot }
  }

  async #acknowledge(): Promise<void> {
    const { observer, settler, schema, states, onStep } = this.#context
    const { following, input } = this.#begin
    const { settled } = following
    if (settled === null || settled.tickId === this.#acknowledged) return
    this.#acknowledgedAt = input.now()
    await acknowledge(observer, schema, settled, settled.generation)
    this.#acknowledged = settled.tickId
    await onStep?.('acknowledged', this.#context)
    const changed = states.pairs().filter((pair) => this.#changed.has(pair.tableId))
    this.#changed.clear()
    if (changed.length > 0) {
      await saveChanged(
        settler,
        schema,
        changed.map((pair) => pair.target),
      )
    }
  }
}
