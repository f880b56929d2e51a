import { delay } from '../db/delay.ts'
import { describeSqlError } from '../db/sql-state.ts'
import { announceCheck, announceQuarantined, announceRecopied } from './announce.ts'
import { type ApplyContext, runBatch, TableApplyError } from './batch.ts'
import type { BeginInput } from './begin-following.ts'
import { toApplied } from './following.ts'
import { readTableSignals } from './queries/catalogue.ts'
import { readWindow, type WindowTable } from './queries/journal.ts'
import { saveTableStates, type StoredPosition } from './queries/position.ts'
import { holdWakeGate, readSourceMark, releaseWakeGate, type SourceMark } from './queries/source.ts'
import { acknowledge } from './queries/ticks.ts'
import { LineageError, NotReadyError } from './replication-error.ts'

const BUSY_POLL_MS = 50
const IDLE_POLL_MS = 500
/** So many looks that found nothing make the reader go to sleep. */
const BUSY_POLLS = 4
const INSPECT_MS = 2000
const RETRY_MS = 5000
/** Under load the reader never sleeps, and the active must be able to purge all the same. */
const ACKNOWLEDGE_MS = 1000

/** Batch after batch over one connection, until it is told to stop or something is not as it was. */
export class BatchStream {
  readonly #context: ApplyContext
  readonly #begin: BeginInput
  #emptyPolls = 0
  #gateHeld = false
  #acknowledged = ''
  #acknowledgedAt = 0
  #lastInspect: number | null = null
  #lastRetry: number

  constructor(context: ApplyContext, begin: BeginInput) {
    this.#context = context
    this.#begin = begin
    this.#lastRetry = begin.input.now()
  }

  async run(): Promise<void> {
    const { stop, following } = this.#begin
    while (!stop.aborted) {
      const woken = following.nextWake()
      await this.#look()
      await this.#rest(woken)
    }
  }

  /** One look at the active, and a batch when there is anything to do. */
  async #look(): Promise<void> {
    const { reader, schema, states } = this.#context
    const { following, status, input } = this.#begin
    const now = input.now()
    const position = following.requirePosition()
    const mark = await readSourceMark(reader, schema)
    requireLineage(mark, position, following.copyRequested)
    const window = await readWindow(reader, schema, position.snapshot)
    const inspect = await this.#inspectionDue(now)
    const retry = states.quarantined().length > 0 && now - this.#lastRetry >= RETRY_MS
    if (retry) this.#lastRetry = now
    // A tick of ours may have a higher number than one with a newer snapshot, so numbers alone do not tell.
    const newer = mark.newestTickId > BigInt(position.tickId) || following.isAwaited()
    const news = window.length > 0 || newer
    if (news || inspect || retry || following.check !== null) {
      status.behind(countChanges(window))
      await this.#batch({ ...position, sourceTerm: mark.term }, window, inspect || retry, retry)
      this.#emptyPolls = window.length > 0 ? 0 : this.#emptyPolls
    } else {
      status.caughtUp(now, states.quarantined())
      this.#emptyPolls++
    }
  }

  async #inspectionDue(now: number): Promise<boolean> {
    const first = this.#lastInspect === null
    if (this.#lastInspect !== null && now - this.#lastInspect < INSPECT_MS) return false
    this.#lastInspect = now
    const { reader, schema, states } = this.#context
    return first || states.differ(await readTableSignals(reader, schema))
  }

  /** Awake: look again soon, and nobody needs to notify. Asleep: wait for a notification, or half a second. */
  async #rest(woken: Promise<void>): Promise<void> {
    const { ticker, schema } = this.#context
    const { stop, input } = this.#begin
    const asleep = this.#emptyPolls >= BUSY_POLLS
    if (asleep || input.now() - this.#acknowledgedAt >= ACKNOWLEDGE_MS) await this.#acknowledge()
    if (this.#emptyPolls === 0 && !this.#gateHeld) {
      this.#gateHeld = await holdWakeGate(ticker, schema)
    }
    if (!asleep) {
      if (this.#emptyPolls > 0) await delay(BUSY_POLL_MS, stop)
      return
    }
    if (this.#gateHeld) {
      // A change between the last look and this moment was not notified, so look once more before waiting.
      await releaseWakeGate(ticker, schema)
      this.#gateHeld = false
      return
    }
    const waited = new AbortController()
    const stopped = (): void => waited.abort()
    stop.addEventListener('abort', stopped, { once: true })
    await Promise.race([woken, delay(IDLE_POLL_MS, waited.signal)])
    waited.abort()
    stop.removeEventListener('abort', stopped)
  }

  async #acknowledge(): Promise<void> {
    const { ticker, schema } = this.#context
    const position = this.#begin.following.requirePosition()
    this.#acknowledgedAt = this.#begin.input.now()
    if (this.#acknowledged === position.tickId) return
    await acknowledge(ticker, schema, position, position.generation)
    this.#acknowledged = position.tickId
    await this.#context.onStep?.('acknowledged', this.#context)
  }

  async #batch(
    from: StoredPosition,
    expected: readonly WindowTable[],
    inspect: boolean,
    retryQuarantined: boolean,
  ): Promise<void> {
    const { states } = this.#context
    const { following, status, input } = this.#begin
    const begun = input.now()
    const before = states.quarantined().map((table) => table.name)
    const { check } = following
    try {
      const result = await runBatch(this.#context, {
        from,
        lineage: from,
        expected,
        inspect: inspect || check !== null,
        retryQuarantined,
        ...(check === null ? {} : { atCut: (pairs) => check.run(this.#context, pairs) }),
      })
      following.moveTo(result.position)
      check?.finish((report) => {
        status.checked(report)
        announceCheck(input.events, report)
      })
      status.applied(begun, result.changes, states.quarantined())
      announceRecopied(input.events, result.recopied)
      announceQuarantined(input.events, states, before)
      input.events.applied(toApplied(result.position))
    } catch (error) {
      if (error instanceof TableApplyError) await this.#quarantine(error)
      else {
        check?.fail(error)
        throw error
      }
    }
  }

  /** The other tables go on; this one is tried again by itself. */
  async #quarantine(error: TableApplyError): Promise<void> {
    const { writer, schema, states } = this.#context
    const before = states.quarantined().map((table) => table.name)
    const row = states.quarantine(error.table, describeSqlError(error.cause))
    await saveTableStates(writer, schema, [row])
    announceQuarantined(this.#begin.input.events, states, before)
  }
}

function requireLineage(mark: SourceMark, position: StoredPosition, copyRequested: boolean): void {
  if (copyRequested) throw new LineageError('a copy was asked for')
  if (mark.role !== 'active') {
    throw new NotReadyError('the server that was followed is not active any more')
  }
  if (!mark.capturing) throw new LineageError('the active does not capture changes')
  if (mark.generation !== position.generation) {
    throw new LineageError("the active's journal was started afresh")
  }
}

function countChanges(window: readonly WindowTable[]): number {
  return window.reduce((sum, table) => sum + table.changes, 0)
}
