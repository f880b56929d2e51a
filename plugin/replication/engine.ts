import type { CheckReport, ReplicationStatus } from '../api/status-document.ts'
import type { PairExclusions } from '../core/settings.ts'
import type { AppliedPosition } from '../core/position.ts'
import { type Connector, urlConnector } from '../db/connector.ts'
import { quoteName, type QuotedName } from '../db/identifiers.ts'
import { inTransaction } from '../db/transaction.ts'
import { HotStandbyError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type {
  UnsentStore,
  ReplicationEngine,
  ReplicationEvents,
  ReplicationSource,
} from '../ports.ts'
import type { OnStep } from './batch-step.ts'
import { CaptureMender } from './capture-mender.ts'
import { readDataAmount } from './data-amount.ts'
import { CheckSchedule } from './check-schedule.ts'
import type { DatabaseConfig } from './database-config.ts'
import { EngineEvents } from './engine-events.ts'
import { engineStatus } from './engine-status.ts'
import { Follower } from './follower.ts'
import { JournalKeeper } from './journal-keeper.ts'
import { findUnknownExclusions } from './configured-names.ts'
import { LiveExclusions, NOTHING } from './live-exclusions.ts'
import { LocalDatabase } from './local-database.ts'
import { openDatabase, readDatabaseFacts } from './open-database.ts'
import { promoteDatabase } from './promotion.ts'
import * as positions from './queries/position.ts'
import * as state from './queries/state.ts'
import { writeTickNow } from './queries/ticks.ts'
import { type EngineParts, forgetPair } from './engine-parts.ts'
import { createUnsentStore } from './unsent-store.ts'
import { lockStandby } from './lock-standby.ts'
import { waitForWriters } from './start-capture.ts'
import type { TableCatalogue } from './table-catalogue.ts'

export interface ReplicationEngineInput {
  readonly config: DatabaseConfig
  readonly serverId: string
  readonly logger?: Logger
  /** Unix time in ms; only for display, back-off and age. */
  readonly clock?: { now(): number }
  /** For tests: waited for at every step of the batch protocol. */
  readonly onStep?: OnStep
}

const RETRY_MS = 1000

/** The replication of one server. Opens nothing before `open`, and closes only what it opened. */
export function createReplicationEngine(input: ReplicationEngineInput): ReplicationEngine {
  return new Engine(input)
}

class Engine implements ReplicationEngine {
  readonly #exclusions: LiveExclusions
  readonly #config: DatabaseConfig
  readonly #serverId: string
  readonly #logger: Logger
  readonly #now: () => number
  readonly #onStep: OnStep | null
  readonly #schema: QuotedName
  readonly #connector: Connector
  readonly #local: LocalDatabase
  /** For what may wait behind a migration; the keeper, which ends such waits, must not wait behind it. */
  readonly #looks: LocalDatabase
  readonly #events = new EngineEvents()
  readonly #closing = new AbortController()
  readonly #mender: CaptureMender
  readonly #checks: CheckSchedule
  #follower: Follower | null = null
  #keeper: JournalKeeper | null = null
  #role: 'off' | 'active' | 'standby' = 'off'
  #catalogue: TableCatalogue | null = null
  #drainedTo: string | null = null
  #paused = false
  readonly unsent: UnsentStore
  #term = 0

  constructor(input: ReplicationEngineInput) {
    this.#exclusions = new LiveExclusions(input.config.exclude)
    this.#config = { ...input.config, exclude: this.#exclusions }
    this.#serverId = input.serverId
    this.#logger = input.logger ?? silentLogger
    this.#now = () => input.clock?.now() ?? Date.now()
    this.#onStep = input.onStep ?? null
    this.#schema = quoteName(input.config.schema)
    this.#connector = urlConnector(input.config.url, input.config.passwordFile)
    this.#local = new LocalDatabase(this.#connector, (up) => this.#events.databaseUp(up))
    this.#looks = new LocalDatabase(this.#connector, () => undefined)
    this.#mender = new CaptureMender({
      ...this.#parts(),
      wanted: () => this.#role !== 'off',
      changed: (catalogue) => (this.#catalogue = catalogue),
    })
    this.#checks = new CheckSchedule({
      at: this.#config.checkAt,
      logger: this.#logger,
      now: this.#now,
      check: () => (this.#follower?.status.inSync ? this.#follower.check(false) : null),
    })
    this.#events.on('history', ({ kind }) => {
      if (kind === 'captureRepaired') this.#checks.soon()
    })
    this.unsent = createUnsentStore({ ...this.#parts(), config: this.#config })
  }

  on<Name extends keyof ReplicationEvents>(
    name: Name,
    listener: (event: ReplicationEvents[Name]) => void,
  ): void {
    this.#events.on(name, listener)
  }

  async open(): Promise<void> {
    const opened = await this.#local.run((db) =>
      openDatabase(db, { config: this.#config, serverId: this.#serverId }),
    )
    this.#catalogue = opened.catalogue
    this.#role = opened.role
    this.#term = opened.term
    await this.unsent.refresh()
    void this.#local.watch(RETRY_MS, this.#closing.signal)
    this.#mender.start()
    this.#checks.start()
    if (opened.rewound) {
      const reason = 'the database was set back in time; the standby copies afresh'
      this.#events.history('captureRepaired', reason, {})
    }
  }

  async promote(term: number): Promise<void> {
    const position = this.#follower?.position() ?? null
    const planned = position?.snapshot === this.#drainedTo && (this.#follower?.isDrained() ?? false)
    await this.#stopFollowing()
    await this.#local.run((db) =>
      promoteDatabase(db, this.#schema, this.#config, { serverId: this.#serverId, term, planned }),
    )
    this.#drainedTo = null
    this.#role = 'active'
    this.#term = Math.max(this.#term, term)
    this.#keep()
    this.#events.inSync(true)
  }

  async follow(source: ReplicationSource, reason: string): Promise<void> {
    await this.#stopKeeping()
    await this.#stopFollowing()
    this.#logger.info({ reason, source: source.serverId }, 'following the active server')
    this.#role = 'standby'
    const follower = new Follower({
      config: this.#config,
      serverId: this.#serverId,
      local: this.#connector,
      source,
      events: this.#events,
      logger: this.#logger,
      now: this.#now,
      onStep: this.#onStep,
    })
    follower.setPaused(this.#paused)
    this.#follower = follower
    const isWanted = (): boolean => this.#follower === follower && !this.#closing.signal.aborted
    await lockStandby(this.#parts(), {
      serverId: this.#serverId,
      activeName: source.serverId,
      isWanted,
      stop: this.#closing.signal,
    })
    if (isWanted()) follower.start()
  }

  async standAlone(options: { readonly forget: boolean }): Promise<void> {
    await this.#stopFollowing()
    await this.#stopKeeping()
    await this.#local.run(async (db) => {
      await inTransaction(db, async () => {
        await state.saveRole(db, this.#schema, {
          serverId: this.#serverId,
          role: 'off',
          activeName: null,
        })
        await state.clearHandOver(db, this.#schema)
        if (options.forget) await forgetPair(db, this.#schema)
      })
      await state.setCaptureMode(db, this.#schema, 'off')
    })
    this.#role = 'off'
  }

  async prepareHandOver(timeoutMs: number): Promise<AppliedPosition> {
    this.#requireRole('active')
    try {
      return await this.#local.run(async (db) => {
        await state.setCaptureMode(db, this.#schema, 'locked')
        await waitForWriters(db, timeoutMs)
        const tick = await inTransaction(db, async () => {
          const written = await writeTickNow(db, this.#schema)
          await state.saveHandOver(db, this.#schema, written)
          return written
        })
        return this.#position(tick)
      })
    } catch (error) {
      await this.undoHandOver().catch(() => undefined)
      throw error
    }
  }

  async undoHandOver(): Promise<void> {
    if (this.#role !== 'active') return
    await this.#local.run(async (db) => {
      await state.clearHandOver(db, this.#schema)
      await state.setCaptureMode(db, this.#schema, 'capture')
    })
  }

  async applyUpTo(position: AppliedPosition, timeoutMs: number): Promise<void> {
    this.#requireRole('standby')
    await this.#follower?.applyUpTo(position, timeoutMs)
    this.#drainedTo = this.#follower?.position()?.snapshot ?? null
  }

  async currentPosition(): Promise<AppliedPosition> {
    this.#requireRole('active')
    return this.#local.run(async (db) => this.#position(await writeTickNow(db, this.#schema)))
  }

  #position(tick: { readonly tickId: string; readonly snapshot: string }): AppliedPosition {
    return { sourceId: this.#serverId, sourceTerm: this.#term, ...tick }
  }

  async appliedPosition(): Promise<AppliedPosition | null> {
    const position =
      this.#follower?.position() ??
      (await this.#local.run((db) => positions.readPosition(db, this.#schema)))
    if (position === null || position.state !== 'applied') return null
    const { sourceId, sourceTerm, snapshot, tickId } = position
    return { sourceId, sourceTerm, snapshot, tickId }
  }

  setPaused(paused: boolean): void {
    if (this.#paused === paused) return
    this.#paused = paused
    this.#follower?.setPaused(paused)
  }

  resynchronise(): Promise<void> {
    this.#requireRole('standby')
    this.#follower?.requestCopy()
    return Promise.resolve()
  }

  check(options: { readonly repair: boolean }): Promise<CheckReport> {
    this.#requireRole('standby')
    const follower = this.#follower
    if (follower === null) return Promise.reject(new HotStandbyError('HS_WRONG_STATE'))
    return follower.check(options.repair)
  }

  acknowledge(position: AppliedPosition): void {
    if (position.sourceId === this.#serverId) this.#keeper?.acknowledge(position)
  }

  status(): ReplicationStatus {
    return engineStatus({
      role: this.#role,
      config: this.#config,
      follower: this.#follower,
      keeper: this.#keeper,
      catalogue: this.#catalogue,
    })
  }

  knowsSync(): boolean {
    return this.#role === 'active' || (this.#follower?.status.isKnown ?? false)
  }

  setExclusions(pair: PairExclusions): void {
    if (!this.#exclusions.use(pair)) return
    this.#mender.lookAgain()
    this.#follower?.pairAgain()
  }

  unknownExclusions({ tables, columns }: PairExclusions): Promise<readonly string[]> {
    const exclude = new LiveExclusions(NOTHING, { tables, columns })
    const config = { ...this.#config, exclude }
    return this.#looks.run(async (db) =>
      (await findUnknownExclusions(db, config)).map(({ name }) => name),
    )
  }

  databaseFacts(pair: PairExclusions): ReturnType<ReplicationEngine['databaseFacts']> {
    const config = { ...this.#config, exclude: this.#exclusions.with(pair) }
    return this.#looks.run((db) => readDatabaseFacts(db, config))
  }

  dataAmount(): ReturnType<ReplicationEngine['dataAmount']> {
    return this.#looks.run((db) => readDataAmount(db, this.#config))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#mender.stop()
    await this.#stopFollowing()
    await this.#checks.stop()
    await this.#stopKeeping()
    await Promise.all([this.#local.close(), this.#looks.close()])
  }

  #keep(): void {
    if (this.#keeper !== null) return
    this.#keeper = new JournalKeeper(this.#parts())
    this.#keeper.start()
  }

  #parts(): EngineParts {
    return {
      config: this.#config,
      schema: this.#schema,
      local: this.#local,
      events: this.#events,
      logger: this.#logger,
      now: this.#now,
      onStep: this.#onStep,
    }
  }

  async #stopFollowing(): Promise<void> {
    const follower = this.#follower
    this.#follower = null
    await follower?.stop()
  }

  async #stopKeeping(): Promise<void> {
    const keeper = this.#keeper
    this.#keeper = null
    await keeper?.stop()
  }

  #requireRole(role: 'active' | 'standby'): void {
    if (this.#role === role) return
    throw new HotStandbyError('HS_WRONG_STATE', {
      reason: `the database side is ${this.#role}, not ${role}`,
    })
  }
}
