import type { Lag } from '../api/status-document.ts'
import type { AppliedPosition } from '../core/position.ts'
import { delay } from '../db/delay.ts'
import type { QuotedName } from '../db/identifiers.ts'
import { describeSqlError } from '../db/sql-state.ts'
import { inTransaction, type Queryable } from '../db/transaction.ts'
import type { Logger } from '../logger.ts'
import type { OnStep } from './batch-step.ts'
import type { DatabaseConfig } from './database-config.ts'
import type { EngineEvents } from './engine-events.ts'
import { freeBytes } from './free-bytes.ts'
import type { LocalDatabase } from './local-database.ts'
import { endBlockers } from './queries/blocking.ts'
import { newestPromotion } from './queries/position.ts'
import { LongTransactions } from './long-transactions.ts'
import * as journal from './queries/journal.ts'
import { TableActivity, type TableActivityStatus } from './table-activity.ts'
import {
  newGeneration,
  readServerState,
  type ServerState,
  setCaptureMode,
} from './queries/state.ts'
import { acknowledge, pruneTicks } from './queries/ticks.ts'

const ROUND_MS = 1000
/** The cap is passed by what is written between two looks, at the most: it is looked at more often when it is near. */
const NEAR_CAP_MS = 200
const PURGE_PORTION = 20_000
/** With the length of a round, the longest that a migration of the platform waits for a batch or a copy. */
const LOCK_PATIENCE_MS = 3000
const SHRINK_BYTES = 8 * 1024 * 1024
/** A count that takes longer than this is made once in so many times its length. */
const DEAR_MS = 50
const COUNT_REST = 30

export interface KeeperInput {
  readonly config: DatabaseConfig
  readonly schema: QuotedName
  readonly local: LocalDatabase
  readonly events: EngineEvents
  readonly logger: Logger
  readonly now: () => number
  readonly onStep: OnStep | null
}

/** Keeps the active's journal small: purges what the standby has, and drops it all before it fills the disk. */
export class JournalKeeper {
  readonly #input: KeeperInput
  readonly #stop = new AbortController()
  readonly #long: LongTransactions
  #running: Promise<void> | null = null
  #acknowledged: AppliedPosition | null = null
  #countAt = 0
  readonly #activity: TableActivity
  #oldest: { readonly seq: string; readonly since: number } | null = null
  lag: Lag | null = null
  journalBytes: number | null = null

  constructor(input: KeeperInput) {
    this.#input = input
    this.#long = new LongTransactions(input.events, input.now)
    this.#activity = new TableActivity(input.now)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  acknowledge(position: AppliedPosition): void {
    this.#acknowledged = position
  }

  /** Of one table, by its name as it is shown. */
  tableActivity(table: string): TableActivityStatus {
    return this.#activity.of(table)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#input.local.run((db) => this.#round(db))
      } catch (error) {
        this.#input.logger.warn(
          { reason: describeSqlError(error) },
          'the journal could not be kept',
        )
      }
      const full = (this.journalBytes ?? 0) > this.#input.config.journalCapBytes / 2
      await delay(full ? NEAR_CAP_MS : ROUND_MS, this.#stop.signal)
    }
  }

  async #round(db: Queryable): Promise<void> {
    const { schema } = this.#input
    await this.#freeLocks(db)
    await this.#long.look(db)
    if (this.#acknowledged !== null) {
      await acknowledge(db, schema, this.#acknowledged, null)
      this.#acknowledged = null
    }
    const state = await readServerState(db, schema)
    if (state.role !== 'active') return
    if (state.acknowledgedSnapshot !== null) await this.#purge(db, state)
    this.journalBytes = await journal.journalSize(db, schema)
    const rows = await this.#count(db, state)
    if (rows === 0 && this.journalBytes > SHRINK_BYTES) await this.#shrink(db)
    else {
      const why = await this.#whyTooLarge(db, this.journalBytes)
      if (why !== null) await this.#drop(db, state, why)
    }
  }

  /** Null when it was not counted: a journal of millions, while a standby is away, must not cost a core. */
  async #count(db: Queryable, state: ServerState): Promise<number | null> {
    const begun = performance.now()
    // Past the cap it must be known whether anything is in it, or only was.
    const passed = (this.journalBytes ?? 0) > this.#input.config.journalCapBytes
    if (begun < this.#countAt && !passed) return null
    const tables = await journal.countUnacknowledged(
      db,
      this.#input.schema,
      state.acknowledgedSnapshot,
    )
    const took = performance.now() - begun
    if (took > DEAR_MS) this.#countAt = begun + took * COUNT_REST
    this.#activity.counted(tables, state.acknowledgedTickId !== null)
    this.#measureLag(tables, state)
    return countRows(tables)
  }

  /** The PBX goes first: whoever waits for a lock of the standby gets it, and the standby begins its batch again. */
  async #freeLocks(db: Queryable): Promise<void> {
    const ended = await endBlockers(db, LOCK_PATIENCE_MS)
    if (ended === 0) return
    this.#input.logger.warn(
      { sessions: ended, patienceMs: LOCK_PATIENCE_MS },
      'the standby held a lock for too long and was disconnected',
    )
  }

  async #purge(db: Queryable, state: ServerState): Promise<void> {
    const { schema } = this.#input
    const { acknowledgedSnapshot, acknowledgedTickId } = state
    if (acknowledgedSnapshot === null || acknowledgedTickId === null) return
    if (acknowledgedTickId === state.purgedTickId) return
    let deleted: number
    do {
      await this.#freeLocks(db)
      const gone = await journal.purgeJournal(db, schema, acknowledgedSnapshot, PURGE_PORTION)
      this.#activity.purged(gone)
      deleted = countRows(gone)
    } while (deleted === PURGE_PORTION && !this.#stop.signal.aborted)
    if (deleted < PURGE_PORTION) await journal.savePurged(db, schema, acknowledgedTickId)
    await pruneTicks(db, schema)
    await this.#input.onStep?.('purged', null)
  }

  /** Age by our own clock from when a change was first seen; no clock is in the journal. */
  #measureLag(tables: readonly journal.JournaledTable[], state: ServerState): void {
    const now = this.#input.now()
    const oldestSeq = oldestOf(tables)
    if (oldestSeq === null) this.#oldest = null
    else if (this.#oldest?.seq !== oldestSeq) this.#oldest = { seq: oldestSeq, since: now }
    const ageMs = this.#oldest === null ? 0 : now - this.#oldest.since
    const known = state.acknowledgedTickId !== null
    this.lag = known ? { ageMs, ...amountOf(tables) } : null
  }

  async #shrink(db: Queryable): Promise<void> {
    try {
      await inTransaction(db, () => journal.truncateIfEmpty(db, this.#input.schema))
    } catch {
      // Somebody writes to it or reads it now; the next round tries again.
    }
  }

  /** Half of the room that is left is the journal's, at the most: a full disk would stop the PBX. */
  async #whyTooLarge(db: Queryable, bytes: number): Promise<string | null> {
    const { journalCapBytes } = this.#input.config
    if (bytes > journalCapBytes) return `the journal passed ${journalCapBytes} bytes`
    if (bytes < SHRINK_BYTES) return null
    const free = await freeBytes(await journal.journalFolder(db))
    if (free === null || free >= bytes) return null
    return `the journal has ${bytes} bytes, and its disk only ${free} left`
  }

  /** The PBX goes first: capture ends, the journal is dropped, and the standby copies afresh when it is back. */
  async #drop(db: Queryable, state: ServerState, why: string): Promise<void> {
    const { schema, events, config } = this.#input
    await setCaptureMode(db, schema, 'off')
    const dropped = await inTransaction(db, async () => {
      await db.query("set local lock_timeout = '500ms'")
      await newGeneration(db, schema)
      await journal.truncateJournal(db, schema)
    }).then(
      () => true,
      () => false,
    )
    if (!dropped) return
    this.journalBytes = 0
    const promotion = await newestPromotion(db, schema)
    const none = state.acknowledgedTickId === null && promotion?.formerSourceId == null
    const then = none
      ? 'no standby has come yet; capture goes on when it does'
      : 'the standby copies afresh when it returns'
    const reason = `${why}; ${then}`
    events.history('journalCapReached', reason, { journalCapBytes: config.journalCapBytes })
  }
}

function countRows(tables: readonly journal.JournaledTable[]): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0)
}

function amountOf(tables: readonly journal.JournaledTable[]): Pick<Lag, 'rows' | 'bytes'> {
  const bytes = tables.reduce((sum, { rows, rowBytes }) => sum + rows * rowBytes, 0)
  return { rows: countRows(tables), bytes: Math.round(bytes) }
}

function oldestOf(tables: readonly journal.JournaledTable[]): string | null {
  const oldest = tables
    .map(({ oldestSeq }) => BigInt(oldestSeq))
    .toSorted((a, b) => (a < b ? -1 : 1))
  return oldest[0]?.toString() ?? null
}
