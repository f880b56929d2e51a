import { delay } from '../db/delay.ts'
import { describeSqlError } from '../db/sql-state.ts'
import { announceCheck, announceRecopied, QuarantineNews } from './announce.ts'
import { type ApplyContext, type BatchPlan, runBatch, TableApplyError } from './batch.ts'
import type { BeginInput } from './begin-following.ts'
import { CATCH_UP_CHANGES, CatchUpMonitor } from './catch-up-monitor.ts'
import { toApplied } from './following.ts'
import { Observing } from './observing.ts'
import type { WindowTable } from './queries/journal.ts'
import { readSnapshot, releaseBell } from './queries/look.ts'
import { saveTableStates, type StoredPosition } from './queries/position.ts'
import { usesTwoPhaseCommit, type SourceMark } from './queries/source.ts'
import { LookAgain, QuickBatch, type QuickLook } from './quick-batch.ts'
import { LineageError, NotReadyError } from './replication-error.ts'
import { nobodyInProgress, type Quiet, Resting } from './resting.ts'
import { moveSequences, SequenceLinks } from './sequences.ts'
import { Settling } from './settling.ts'
import type { Wake } from './wake.ts'

const RETRY_MS = 5000
/** So many looks in a row that found changes: the reader is busy, and wants no notifications. */
const BUSY_LOOKS = 3
/** A busy reader rests as long as it has worked, up to this, and leaves the machine to the writers. */
const LONGEST_PACE_MS = 20

/** Batch after batch over one connection, until it is told to stop or something is not as it was. */
export class BatchStream {
  readonly #context: ApplyContext
  readonly #begin: BeginInput
  readonly #listens: () => boolean
  readonly #quick: QuickBatch
  readonly #settling: Settling
  readonly #observing: Observing
  readonly #resting = new Resting()
  readonly #news: QuarantineNews
  #busyLooks = 0
  #woken = false
  #bellHeld = false
  #pollsOnly = false
  /** The newest tick that the active wrote itself and that the position sees. */
  #reachedTick = 0n
  #lastSnapshot = ''
  #lastRetry: number

  constructor(context: ApplyContext, begin: BeginInput, listens: () => boolean) {
    this.#context = context
    this.#begin = begin
    this.#listens = listens
    this.#quick = new QuickBatch(context, new SequenceLinks())
    this.#settling = new Settling(context, begin)
    this.#observing = new Observing(context, () => begin.following.wake())
    this.#lastRetry = begin.input.now()
    this.#news = new QuarantineNews(begin.input.events, begin.input.now, context.states)
  }

  async run(): Promise<void> {
    const { stop, following } = this.#begin
    try {
      this.#pollsOnly = await usesTwoPhaseCommit(this.#context.reader)
      while (!stop.aborted) {
        const wake = following.nextWake()
        const begunAt = performance.now()
        const found = await this.#lookAround()
        if (found) await this.#pace(performance.now() - begunAt)
        else await this.#rest(wake)
      }
    } finally {
      await Promise.all([this.#settling.end(), this.#observing.end()])
    }
  }

  /** One look at the active, and a batch when there is anything to do. True: look again at once. */
  async #lookAround(): Promise<boolean> {
    const { states } = this.#context
    const { following, status, input } = this.#begin
    const now = input.now()
    const position = following.requirePosition()
    this.#settling.check()
    const inspect = this.#observing.inspectionDue(this.#lastSnapshot)
    await moveSequences(this.#context, this.#observing.takeSequences())
    const retry = states.quarantined().length > 0 && now - this.#lastRetry >= RETRY_MS
    const look = await this.#look(position)
    if (look === null) return true
    requireLineage(look.mark, position, following.copyRequested)
    const newTick = look.mark.newestOwnTickId > this.#reachedTick
    const busy = look.window.length > 0
    this.#busyLooks = busy ? this.#busyLooks + 1 : 0
    if (retry) this.#lastRetry = now
    const news = busy || newTick || following.isAwaited()
    if (inspect || retry || following.check !== null || (look.mark.locked && news)) {
      await this.#fullBatch(look, position, inspect || retry, retry)
    } else if (news) {
      const done = await this.#quickBatch(look, position, now)
      if (done === 'again') return true
      if (done === 'full') await this.#fullBatch(look, position, false, false)
    } else {
      await this.#quick.close()
      status.caughtUp(now, states.quarantined())
      return false
    }
    this.#reachedTick = look.mark.newestOwnTickId
    this.#resting.reset()
    return true
  }

  async #look(position: StoredPosition): Promise<QuickLook | null> {
    const changesExpected = this.#woken
    this.#woken = false
    const bell = this.#bell()
    try {
      const look = await this.#quick.look(position.snapshot, { bell, changesExpected })
      if (bell !== 'leave') this.#bellHeld = look.bellHeld
      this.#lastSnapshot = look.snapshot
      this.#begin.following.heardAt = performance.now()
      return look
    } catch (error) {
      if (!(error instanceof LookAgain)) throw error
      this.#bellHeld = false
      return null
    }
  }

  /** A full batch may take long, and nobody shall notify all that time. */
  async #releaseBell(): Promise<void> {
    const { reader, schema } = this.#context
    if (this.#bellHeld) await reader.query(releaseBell(schema))
    this.#bellHeld = false
  }

  /** Before it sleeps the reader must hold the bell; under load nobody shall notify it. */
  #bell(): 'hold' | 'release' | 'leave' {
    if (this.#bellHeld) return this.#busyLooks >= BUSY_LOOKS ? 'release' : 'leave'
    return this.#busyLooks === 0 ? 'hold' : 'leave'
  }

  async #quickBatch(
    look: QuickLook,
    position: StoredPosition,
    begunAt: number,
  ): Promise<'done' | 'again' | 'full'> {
    const { following, status } = this.#begin
    const { states } = this.#context
    const to = await this.#quick.apply(look, position)
    if (to === 'again' || to === 'full') return to
    following.position = to
    status.applied(begunAt, countChanges(look.window), states.quarantined())
    this.#settling.applied(look.window)
    if (following.isAwaited()) await this.#settling.now()
    return 'done'
  }

  async #pace(workedMs: number): Promise<void> {
    const { stop, following } = this.#begin
    if (this.#busyLooks < BUSY_LOOKS || following.isAwaited()) return
    await this.#quick.close()
    await delay(Math.min(workedMs, LONGEST_PACE_MS), stop)
  }

  /** Sleeps until woken; looks at what can be looked at cheaply in between. */
  async #rest(wake: Wake): Promise<void> {
    const { reader, states } = this.#context
    const { stop, status, input, following } = this.#begin
    while (!stop.aborted) {
      this.#woken = await wake.within(this.#resting.nextMs(this.#quiet()), stop)
      if (this.#woken) return
      this.#settling.check()
      const snapshot = await readSnapshot(reader)
      following.heardAt = performance.now()
      if (snapshot !== this.#lastSnapshot || this.#observing.hasNews(snapshot)) return
      if (states.quarantined().length > 0 || following.check !== null) return
      status.caughtUp(input.now(), [])
    }
  }

  #quiet(): Quiet {
    if (this.#pollsOnly || !this.#bellHeld || !this.#listens()) return 'notListening'
    return nobodyInProgress(this.#lastSnapshot) ? 'certain' : 'openTransactions'
  }

  async #fullBatch(
    look: QuickLook,
    from: StoredPosition,
    inspect: boolean,
    retryQuarantined: boolean,
  ): Promise<void> {
    const { states } = this.#context
    const { following, status, input } = this.#begin
    await this.#quick.close()
    await this.#releaseBell()
    status.behind(countChanges(look.window), states.bytesOf(look.window))
    const begun = input.now()
    const { check, changes } = following
    try {
      const result = await runBatch(this.#context, {
        since: from,
        lineage: { ...from, sourceTerm: look.mark.term },
        expected: look.window,
        inspect: inspect || check !== null,
        retryQuarantined,
        ...watchProgress(look.window, input.now, status),
        ...(check === null ? {} : { atCut: (pairs) => check.run(this.#context, pairs) }),
      })
      if (look.mark.locked) following.drained = result.position.snapshot
      if (inspect) following.lookedAtAll(changes)
      following.moveTo(result.position)
      check?.finish((report) => {
        status.checked(report)
        states.checked(check.compared)
        announceCheck(input.events, report)
      })
      status.applied(begun, result.changes, states.quarantined())
      announceRecopied(input.events, result.recopied)
      this.#news.tell(states)
      input.events.applied(toApplied(result.position))
      this.#settling.fullBatchDone()
    } catch (error) {
      if (error instanceof TableApplyError) await this.#quarantine(error)
      else {
        check?.interrupted(error)
        throw error
      }
    }
  }

  /** The other tables go on; this one is tried again by itself. */
  async #quarantine(error: TableApplyError): Promise<void> {
    const { writer, schema, states } = this.#context
    const row = states.quarantine(error.table, describeSqlError(error.cause))
    await saveTableStates(writer, schema, [row])
    this.#news.tell(states)
  }
}

/** For a batch that takes long enough to be watched. */
function watchProgress(
  window: readonly WindowTable[],
  now: () => number,
  status: BeginInput['status'],
): Pick<BatchPlan, 'onTable' | 'onBytes' | 'onKeys'> {
  if (countChanges(window) < CATCH_UP_CHANGES) return {}
  const monitor = new CatchUpMonitor(now, window, (progress) => status.catchingUp(progress))
  return {
    onTable: (pair, phase) => monitor.table(pair, phase),
    onBytes: (count) => monitor.bytes(count),
    onKeys: (count) => monitor.keys(count),
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
