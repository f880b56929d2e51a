import type { CheckReport } from '../api/status-document.ts'
import type { AppliedPosition } from '../core/position.ts'
import { type Connector, streamConnector } from '../db/connector.ts'
import { delay } from '../db/delay.ts'
import { quoteName } from '../db/identifiers.ts'
import { describeSqlError, isConnectionLost } from '../db/sql-state.ts'
import { HotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { ReplicationSource } from '../ports.ts'
import { TableApplyError } from './batch.ts'
import type { OnStep } from './batch-step.ts'
import { BatchStream } from './batch-stream.ts'
import { beginFollowing } from './begin-following.ts'
import { createCuttableSource, type CuttableSource } from './cuttable-source.ts'
import type { DatabaseConfig } from './database-config.ts'
import { DriftCheck } from './drift-check.ts'
import type { EngineEvents } from './engine-events.ts'
import { FollowerStatus } from './follower-status.ts'
import { Following } from './following.ts'
import type { StoredPosition } from './queries/position.ts'
import { LineageError, NotReadyError } from './replication-error.ts'
import { watchLine } from './line-watch.ts'
import { openSourceSession } from './source-session.ts'
import type { TableStates } from './table-states.ts'
import { WakeUp } from './wake-up.ts'

const MAX_BACK_OFF_MS = 5000
/** How long a pause is slept through at the most. */
const PAUSED_LOOK_MS = 60_000
/** What a batch may still take when the follower is stopped: at a failover the other end may hang for ever. */
const LAST_BATCH_MS = 150
/** A reader that rests looks every half second: who has not answered for so long is not waited for. */
const SILENT_MS = 750

export interface FollowerInput {
  readonly config: DatabaseConfig
  readonly serverId: string
  readonly local: Connector
  readonly source: ReplicationSource
  readonly events: EngineEvents
  readonly logger: Logger
  readonly now: () => number
  readonly onStep: OnStep | null
}

/** Follows one active server until it is stopped: connects, copies when it must, applies batch after batch. */
export class Follower {
  readonly #input: FollowerInput
  readonly #following = new Following()
  readonly #stop = new AbortController()
  readonly #source: CuttableSource
  #wakeUp: WakeUp | null = null
  /** Ends with one connection to the active, or with the follower. */
  #round = new AbortController()
  #paused = false
  #running: Promise<void> | null = null
  readonly status: FollowerStatus

  constructor(input: FollowerInput) {
    this.#input = input
    this.#source = createCuttableSource(() => input.source.connect())
    this.status = new FollowerStatus(input.now, input.events)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends after the batch in progress, unless the active server does not go on with it. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#round.abort()
    this.#following.wake()
    const isSilent = performance.now() - this.#following.heardAt > SILENT_MS
    const late = setTimeout(() => this.#source.cut(), isSilent ? 0 : LAST_BATCH_MS)
    await this.#running
    clearTimeout(late)
  }

  /** Applies nothing while paused; the batch in progress is done first. */
  setPaused(paused: boolean): void {
    this.#paused = paused
    if (paused) this.#round.abort()
    this.#following.wake()
  }

  /** What is left out has changed: goes on over a new connection, which looks at all tables first. */
  pairAgain(): void {
    this.#following.pairAgain()
    this.#round.abort()
    this.#following.wake()
  }

  /** What is durable here and on the active. */
  position(): StoredPosition | null {
    return this.#following.settled
  }

  /** The position was taken while the active refused writes: there is nothing beyond it, sequences included. */
  isDrained(): boolean {
    const { settled, drained } = this.#following
    return settled !== null && settled.snapshot === drained
  }

  states(): TableStates {
    return this.#following.states
  }

  /** Notifications arrive; else only polling works. */
  listens(): boolean {
    return this.#wakeUp?.healthy() ?? false
  }

  requestCopy(): void {
    this.#following.copyRequested = true
    this.#following.wake()
  }

  /** Resolves when everything that the position sees has been applied. Errors: HS_TIMEOUT. */
  async applyUpTo(position: AppliedPosition, timeoutMs: number): Promise<void> {
    if (this.#following.hasApplied(position)) return
    const waiting = this.#following.whenApplied(position)
    this.#following.wake()
    const timer = new AbortController()
    const late = delay(timeoutMs, timer.signal).then(() => false as const)
    const done = await Promise.race([waiting.applied, late])
    timer.abort()
    waiting.cancel()
    if (done) return
    throw new HotStandbyError('HS_TIMEOUT', { reason: `replication: ${this.status.reason}` })
  }

  check(repair: boolean): Promise<CheckReport> {
    const running = this.#following.check
    if (running !== null) {
      if (running.repairs || !repair) return running.report
      // A check that only looks is under way: the one asked for follows it.
      return running.report.catch(() => undefined).then(() => this.check(true))
    }
    const schema = quoteName(this.#input.config.schema)
    const check = new DriftCheck({ repair, schema, now: this.#input.now })
    this.#following.check = check
    this.#following.wake()
    return check.report.finally(() => (this.#following.check = null))
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted;) {
      await this.#restWhilePaused()
      if (this.#stop.signal.aborted) break
      this.#round = new AbortController()
      try {
        await this.#followOnce(() => (failures = 0))
      } catch (error) {
        if (this.#stop.signal.aborted) break
        if (this.#paused) continue
        failures++
        this.#failed(error)
        const backOffMs = Math.min(100 * 2 ** Math.min(failures, 6), MAX_BACK_OFF_MS)
        await delay(backOffMs, this.#stop.signal)
      }
    }
    const stopped = new HotStandbyError('HS_WRONG_STATE', {
      reason: 'this server stopped following',
    })
    this.#following.check?.fail(stopped)
  }

  async #restWhilePaused(): Promise<void> {
    while (this.#paused && !this.#stop.signal.aborted) {
      const wake = this.#following.nextWake()
      this.status.paused()
      await wake.within(PAUSED_LOOK_MS, this.#stop.signal)
    }
  }

  async #followOnce(succeeded: () => void): Promise<void> {
    const { local, logger } = this.#input
    this.status.connecting()
    const connector = streamConnector(() => this.#source.connect())
    const session = await openSourceSession(connector, local)
    const wakeUp = new WakeUp(connector, () => this.#following.wake(), logger)
    this.#wakeUp = wakeUp
    const begin = {
      input: this.#input,
      following: this.#following,
      status: this.status,
      stop: this.#round.signal,
    }
    const follow = async (): Promise<void> => {
      const context = await beginFollowing(session, begin)
      wakeUp.start()
      succeeded()
      await new BatchStream(context, begin, () => wakeUp.healthy()).run()
    }
    const over = new AbortController()
    const following = follow()
    try {
      await Promise.race([following, neverEnds(watchLine(session.observer, over.signal))])
    } finally {
      over.abort()
      this.#wakeUp = null
      await Promise.all([wakeUp.close(), session.close()])
      // With its connections closed it ends, too; two must not follow at a time.
      await following.catch(() => undefined)
    }
  }

  #failed(error: unknown): void {
    const reason =
      error instanceof TableApplyError
        ? `${error.message}: ${describeSqlError(error.cause)}`
        : describeSqlError(error)
    const expected =
      error instanceof NotReadyError || error instanceof LineageError || isConnectionLost(error)
    const sentence = expected ? 'the active server cannot be followed now' : 'a batch failed'
    this.#input.logger.warn({ reason }, sentence)
    this.status.failed(reason, expected)
  }
}

/** Only a rejection counts. */
async function neverEnds(watch: Promise<void>): Promise<never> {
  await watch
  return new Promise(() => undefined)
}
