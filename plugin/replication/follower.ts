import type pg from 'pg'
import type { CheckReport, CopyProgress } from '../api/status-document.ts'
import type { AppliedPosition } from '../core/position.ts'
import { type Connector, streamConnector } from '../db/connector.ts'
import { delay } from '../db/delay.ts'
import { quoteName, type QuotedName } from '../db/identifiers.ts'
import { describeSqlError, isConnectionLost } from '../db/sql-state.ts'
import { inTransaction } from '../db/transaction.ts'
import { HotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { ReplicationSource } from '../ports.ts'
import { type ApplyContext, type BatchResult, runBatch, TableApplyError } from './batch.ts'
import { CopyMonitor } from './copy-monitor.ts'
import type { DatabaseConfig } from './database-config.ts'
import { DriftCheck } from './drift-check.ts'
import { FollowerStatus } from './follower-status.ts'
import {
  decideLineage,
  type Lineage,
  type OwnHistory,
  readSource,
  type SourceIdentity,
} from './lineage.ts'
import { LineageError, NotReadyError } from './replication-error.ts'
import * as positions from './queries/position.ts'
import { readTableSignals } from './queries/catalogue.ts'
import { readWindow, truncateJournal } from './queries/journal.ts'
import { holdWakeGate, readSourceMark, releaseWakeGate } from './queries/source.ts'
import { clearHandOver, newGeneration, readServerState } from './queries/state.ts'
import { acknowledge } from './queries/ticks.ts'
import { countUndelivered } from './queries/unsent.ts'
import { covers } from './snapshot.ts'
import { openSourceSession, type SourceSession } from './source-session.ts'
import { startCapture } from './start-capture.ts'
import { TableStates } from './table-states.ts'
import type { EngineEvents } from './engine-events.ts'
import { keepUnsentChanges } from './unsent-changes.ts'
import { WakeUp } from './wake-up.ts'

const BUSY_POLL_MS = 50
const IDLE_POLL_MS = 500
const BUSY_POLLS = 4
const INSPECT_MS = 2000
const RETRY_MS = 5000

export interface FollowerInput {
  readonly config: DatabaseConfig
  readonly serverId: string
  readonly local: Connector
  readonly source: ReplicationSource
  readonly events: EngineEvents
  readonly logger: Logger
  readonly now: () => number
}

/** Follows one active server for as long as it is not stopped: connects, copies when it must, applies batch after batch. */
export class Follower {
  readonly #input: FollowerInput
  readonly #schema: QuotedName
  readonly #stop = new AbortController()
  readonly #waiters = new Set<{ readonly snapshot: string; readonly resolve: () => void }>()
  #wakeUp: WakeUp | null = null
  #wake: () => void = () => undefined
  #running: Promise<void> | null = null
  #position: positions.StoredPosition | null = null
  #states = new TableStates([])
  #copyRequested = false
  #check: DriftCheck | null = null
  readonly status: FollowerStatus

  constructor(input: FollowerInput) {
    this.#input = input
    this.#schema = quoteName(input.config.schema)
    this.status = new FollowerStatus(input.now, input.events)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends after the batch in progress. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#running
  }

  position(): positions.StoredPosition | null {
    return this.#position
  }

  states(): TableStates {
    return this.#states
  }

  listens(): boolean {
    return this.#wakeUp?.healthy() ?? false
  }

  requestCopy(): void {
    this.#copyRequested = true
    this.#wake()
  }

  /** Resolves when everything that the position sees has been applied. */
  async applyUpTo(position: AppliedPosition, timeoutMs: number): Promise<void> {
    if (this.#hasApplied(position.snapshot, position.sourceId)) return
    this.#wake()
    const waiter = { snapshot: position.snapshot, resolve: (): void => undefined }
    const applied = new Promise<true>((resolve) => (waiter.resolve = () => resolve(true)))
    this.#waiters.add(waiter)
    const timer = new AbortController()
    const late = delay(timeoutMs, timer.signal).then(() => false as const)
    const done = await Promise.race([applied, late])
    timer.abort()
    this.#waiters.delete(waiter)
    if (!done)
      throw new HotStandbyError('HS_TIMEOUT', { reason: `replication: ${this.status.reason}` })
  }

  check(repair: boolean): Promise<CheckReport> {
    if (this.#check !== null) return this.#check.report
    const check = new DriftCheck({ repair, schema: this.#schema, now: this.#input.now })
    this.#check = check
    this.#wake()
    return check.report.finally(() => (this.#check = null))
  }

  #hasApplied(snapshot: string, sourceId: string): boolean {
    const position = this.#position
    if (position === null || position.state !== 'applied' || position.sourceId !== sourceId)
      return false
    return covers(position.snapshot, snapshot)
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted;) {
      try {
        await this.#followOnce(() => (failures = 0))
      } catch (error) {
        if (this.#stop.signal.aborted) break
        failures++
        this.#failed(error)
        await this.#pause(Math.min(100 * 2 ** Math.min(failures, 6), 5000))
      }
    }
    this.#check?.fail(
      new HotStandbyError('HS_WRONG_STATE', { reason: 'this server stopped following' }),
    )
  }

  #failed(error: unknown): void {
    const reason =
      error instanceof TableApplyError
        ? `${error.message}: ${describeSqlError(error.cause)}`
        : describeSqlError(error)
    const waiting = error instanceof NotReadyError || isConnectionLost(error)
    this.#input.logger.warn(
      { reason },
      waiting ? 'the active server cannot be followed now' : 'a batch failed',
    )
    this.status.failed(reason, waiting)
  }

  async #followOnce(succeeded: () => void): Promise<void> {
    const { source, local } = this.#input
    this.status.connecting()
    const connector = streamConnector(() => source.connect())
    const session = await openSourceSession(connector, local)
    const wakeUp = new WakeUp(connector, () => this.#wake(), this.#input.logger)
    this.#wakeUp = wakeUp
    try {
      const context = await this.#begin(session)
      wakeUp.start()
      succeeded()
      await this.#stream(context)
    } finally {
      this.#wakeUp = null
      await Promise.all([wakeUp.close(), session.close()])
    }
  }

  /** Settles from where this server goes on; copies when it must. */
  async #begin(session: SourceSession): Promise<ApplyContext> {
    const { source, config } = this.#input
    const identity = await readSource(session.reader, this.#schema, {
      serverId: source.serverId,
      term: source.term(),
    })
    const own = await this.#ownHistory(session.writer)
    const lineage: Lineage = this.#copyRequested
      ? { kind: 'copy', reason: 'asked for', rewound: false }
      : await decideLineage(session.reader, this.#schema, identity, own)
    const stored =
      lineage.kind === 'goOn'
        ? await positions.readReplicatedTables(session.writer, this.#schema)
        : []
    this.#states = new TableStates(stored)
    const context: ApplyContext = {
      config,
      schema: this.#schema,
      reader: session.reader,
      ticker: session.ticker,
      writer: session.writer,
      states: this.#states,
      sequences: new Map(),
    }
    if (lineage.kind === 'copy') await this.#copy(context, identity, own, lineage)
    else if (lineage.kind === 'fromPromotion') await this.#beginAtPromotion(context, lineage.from)
    else this.#position = lineage.from
    this.#settleWaiters()
    return context
  }

  async #ownHistory(writer: pg.Client): Promise<OwnHistory> {
    const state = await readServerState(writer, this.#schema)
    const handedOver =
      state.handedOverTickId === null || state.handedOverSnapshot === null
        ? null
        : { tickId: state.handedOverTickId, snapshot: state.handedOverSnapshot }
    return {
      serverId: this.#input.serverId,
      position: await positions.readPosition(writer, this.#schema),
      handedOver,
      undeliveredAfterHandOver:
        handedOver === null ? 0 : await countUndelivered(writer, this.#schema, handedOver.snapshot),
    }
  }

  async #beginAtPromotion(context: ApplyContext, from: positions.StoredPosition): Promise<void> {
    const { writer } = context
    this.#states.adoptSignals()
    await inTransaction(writer, async () => {
      await positions.savePosition(writer, this.#schema, from)
      await positions.forgetReplicatedTables(writer, this.#schema)
      await this.#closeOwnJournal(writer)
    })
    this.#position = from
    this.#input.logger.info(
      { term: from.sourceTerm },
      'following from the promotion, without a copy',
    )
  }

  /** What this server had journaled as active belongs to a history that has ended. */
  async #closeOwnJournal(writer: pg.Client): Promise<void> {
    await newGeneration(writer, this.#schema)
    await clearHandOver(writer, this.#schema)
    await truncateJournal(writer, this.#schema)
  }

  async #copy(
    context: ApplyContext,
    identity: SourceIdentity,
    own: OwnHistory,
    lineage: Extract<Lineage, { kind: 'copy' }>,
  ): Promise<void> {
    const { events, serverId } = this.#input
    events.history('resynchronisationStarted', lineage.reason, {})
    this.status.copying(lineage.reason)
    await this.#prepareCopy(context.writer, identity, own)
    await startCapture(context.ticker, this.#schema, this.#stop.signal)
    const monitor = new CopyMonitor(this.#input.now, (progress: CopyProgress) =>
      this.status.progress(progress),
    )
    const lineageOf = this.#lineageOf(identity)
    const result = await runBatch(context, {
      from: null,
      lineage: lineageOf,
      inspect: true,
      retryQuarantined: false,
      onTable: (pair, phase, outcome) => monitor.table(this.#states.pairs(), pair, phase, outcome),
      onBytes: (count) => monitor.bytes(count),
    })
    this.#copyRequested = false
    this.#position = result.position
    monitor.finish()
    this.#announceQuarantined([])
    events.history(
      'resynchronisationDone',
      `${result.rows} rows copied from ${identity.state.serverId ?? ''}`,
      {
        rows: result.rows,
        bytes: result.bytes,
        serverId,
      },
    )
    events.applied(this.#toApplied(result.position))
  }

  /** Keeps unsent changes, then forgets what this server was a copy of: from here on it is a copy of nothing. */
  async #prepareCopy(writer: pg.Client, identity: SourceIdentity, own: OwnHistory): Promise<void> {
    const { config, serverId, events } = this.#input
    const { promotion } = identity
    const delivered =
      promotion?.formerSourceId === serverId
        ? promotion.formerSnapshot
        : (own.handedOver?.snapshot ??
          (await readServerState(writer, this.#schema)).acknowledgedSnapshot)
    const lostTerm = promotion?.formerSourceTerm ?? own.position?.sourceTerm ?? 0
    const kept = await inTransaction(writer, async () => {
      const wasActive = own.position === null
      const count = wasActive
        ? await keepUnsentChanges(writer, this.#schema, config, { term: lostTerm, delivered })
        : 0
      await positions.forgetPosition(writer, this.#schema)
      await positions.forgetReplicatedTables(writer, this.#schema)
      await this.#closeOwnJournal(writer)
      return count
    })
    this.#position = null
    if (kept > 0) {
      events.history(
        'unsentChanges',
        `${kept} changes had not reached the other server; they are kept`,
        {
          count: kept,
        },
      )
    }
  }

  #lineageOf(
    identity: SourceIdentity,
  ): Pick<positions.StoredPosition, 'sourceId' | 'sourceTerm' | 'generation'> {
    const { state } = identity
    return { sourceId: state.serverId ?? '', sourceTerm: state.term, generation: state.generation }
  }

  async #stream(context: ApplyContext): Promise<void> {
    let emptyPolls = 0
    let gateHeld = false
    let lastInspect = 0
    let lastRetry = this.#input.now()
    let acknowledged = ''
    while (!this.#stop.signal.aborted) {
      const woken = this.#nextWake()
      const now = this.#input.now()
      if (this.#copyRequested) throw new LineageError('a copy was asked for')
      const position = this.#requirePosition()
      const mark = await readSourceMark(context.reader, this.#schema)
      if (mark.role !== 'active')
        throw new NotReadyError('the server that was followed is not active any more')
      if (!mark.capturing) throw new LineageError('the active does not capture changes')
      if (mark.generation !== position.generation)
        throw new LineageError("the active's journal was started afresh")
      const window = await readWindow(context.reader, this.#schema, position.snapshot)
      let inspect = lastInspect === 0
      if (now - lastInspect >= INSPECT_MS) {
        inspect ||= this.#states.differ(await readTableSignals(context.reader, this.#schema))
        lastInspect = now
      }
      const retry = this.#states.quarantined().length > 0 && now - lastRetry >= RETRY_MS
      if (retry) lastRetry = now
      const due = window.length > 0 || mark.newestTickId > BigInt(position.tickId)
      if (due || inspect || retry || this.#check !== null) {
        this.status.behind(window.reduce((sum, table) => sum + table.changes, 0))
        await this.#batch(context, { ...position, sourceTerm: mark.term }, inspect || retry, retry)
        if (window.length > 0) emptyPolls = 0
      } else {
        this.status.caughtUp(now, this.#states.quarantined())
        emptyPolls++
      }
      this.#settleWaiters()
      if (emptyPolls === 0 && !gateHeld) gateHeld = await holdWakeGate(context.ticker, this.#schema)
      if (emptyPolls < BUSY_POLLS) {
        if (emptyPolls > 0) await this.#pause(BUSY_POLL_MS)
        continue
      }
      if (acknowledged !== this.#position?.tickId) {
        await acknowledge(
          context.ticker,
          this.#schema,
          this.#requirePosition(),
          position.generation,
        )
        acknowledged = this.#position?.tickId ?? ''
      }
      if (gateHeld) {
        // A change between the last look and this moment was not notified, so look once more before waiting.
        await releaseWakeGate(context.ticker, this.#schema)
        gateHeld = false
        continue
      }
      await Promise.race([woken, this.#pause(IDLE_POLL_MS)])
    }
  }

  async #batch(
    context: ApplyContext,
    from: positions.StoredPosition,
    inspect: boolean,
    retryQuarantined: boolean,
  ): Promise<void> {
    const begun = this.#input.now()
    const before = this.#states.quarantined().map((table) => table.name)
    const check = this.#check
    try {
      const result = await runBatch(context, {
        from,
        lineage: from,
        inspect: inspect || check !== null,
        retryQuarantined,
        ...(check === null ? {} : { atCut: (pairs) => check.run(context, pairs) }),
      })
      this.#position = result.position
      check?.finish((report) => this.#announceCheck(report))
      this.#announceBatch(result, begun, before)
    } catch (error) {
      if (error instanceof TableApplyError) await this.#quarantine(context, error)
      else {
        check?.fail(error)
        throw error
      }
    }
  }

  async #quarantine(context: ApplyContext, error: TableApplyError): Promise<void> {
    const before = this.#states.quarantined().map((table) => table.name)
    const reason = describeSqlError(error.cause)
    const row = this.#states.quarantine(error.table, reason)
    await positions.saveTableStates(context.writer, this.#schema, [row])
    this.#announceQuarantined(before)
  }

  #announceBatch(result: BatchResult, begun: number, quarantinedBefore: readonly string[]): void {
    const { events } = this.#input
    this.status.applied(begun, result.changes, this.#states.quarantined())
    if (result.recopied.length > 0) {
      const names = result.recopied.map((table) => `${table.name} (${table.reason})`).join(', ')
      events.history('captureRepaired', `copied afresh: ${names}`, {
        tables: result.recopied.map((table) => table.name),
      })
    }
    this.#announceQuarantined(quarantinedBefore)
    events.applied(this.#toApplied(result.position))
  }

  #announceQuarantined(before: readonly string[]): void {
    for (const table of this.#states.quarantined()) {
      if (before.includes(table.name)) continue
      this.#input.events.history('tableQuarantined', `${table.name}: ${table.reason}`, {
        table: table.name,
      })
    }
  }

  #announceCheck(report: CheckReport): void {
    const { events } = this.#input
    this.status.checked(report)
    if (report.differences.length === 0) return
    const names = report.differences.map((difference) => difference.table).join(', ')
    events.history(report.repaired ? 'driftRepaired' : 'driftFound', names, {
      differences: report.differences,
    })
  }

  #toApplied(position: positions.StoredPosition): AppliedPosition {
    const { sourceId, sourceTerm, snapshot, tickId } = position
    return { sourceId, sourceTerm, snapshot, tickId }
  }

  #requirePosition(): positions.StoredPosition {
    if (this.#position === null) throw new Error('there is no position')
    return this.#position
  }

  #settleWaiters(): void {
    for (const waiter of [...this.#waiters]) {
      if (this.#position === null || !covers(this.#position.snapshot, waiter.snapshot)) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  #nextWake(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  #pause(ms: number): Promise<void> {
    return delay(ms, this.#stop.signal)
  }
}
