import type pg from 'pg'
import type { QuotedName } from '../db/identifiers.ts'
import { isTransient } from '../db/sql-state.ts'
import type { Queryable } from '../db/transaction.ts'
import { applyChangedKeys, applyWholeTable, type TransferResult } from './apply-table.ts'
import type { OnStep } from './batch-step.ts'
import { CopiedTables } from './copied-tables.ts'
import type { DatabaseConfig } from './database-config.ts'
import { actAsReplica } from './queries/apply.ts'
import { readCapturedTables } from './queries/capture.ts'
import { readTableSignals, type TableSignal } from './queries/catalogue.ts'
import { lockForReading, readWindow, type WindowTable } from './queries/journal.ts'
import {
  advancePosition,
  forgetOtherTables,
  savePosition,
  saveTableStates,
  type StoredPosition,
} from './queries/position.ts'
import { beginReading } from './queries/source.ts'
import { currentSnapshot } from './queries/state.ts'
import { type Tick, writeTick } from './queries/ticks.ts'
import { applySequences } from './sequences.ts'
import { readTableCatalogue } from './table-catalogue.ts'
import { pairTables, type TablePair } from './table-pairs.ts'
import type { TableStates } from './table-states.ts'

/** Connections and what is known of both databases, for the life of one connection to the active. */
export interface ApplyContext {
  readonly config: DatabaseConfig
  readonly schema: QuotedName
  /** On the active: the batch's own transaction. */
  readonly reader: pg.Client
  /** On the active: ticks, which must not wait behind anything else. */
  readonly ticker: pg.Client
  /** On the active: looks at catalogue and sequences, acknowledgements; nothing that a quick batch waits for. */
  readonly observer: Queryable
  /** On this server. */
  readonly writer: pg.Client
  /** On this server: makes what is applied durable while the writer goes on. */
  readonly settler: pg.Client
  readonly states: TableStates
  readonly sequences: Map<string, string>
  /** For tests that stop, look or fail at a step; null in production. */
  readonly onStep: OnStep | null
}

export interface BatchPlan {
  /** From where it goes on; of a copy, which may take several rounds: the tables that are here already. */
  readonly since: StoredPosition | CopiedTables
  /** Source, term and generation of the new position. */
  readonly lineage: Pick<StoredPosition, 'sourceId' | 'sourceTerm' | 'generation'>
  /** What a look at the journal has just found: the tables to lock first. */
  readonly expected: readonly WindowTable[]
  /** Look at the catalogue for bypassed capture and changed tables. */
  readonly inspect: boolean
  readonly retryQuarantined: boolean
  readonly onTable?: (
    pair: TablePair,
    phase: 'begin' | 'end',
    result: TransferResult | null,
  ) => void
  readonly onBytes?: (count: number) => void
  readonly onKeys?: (count: number) => void
  /** More work at the very cut of the batch, before it is committed. */
  readonly atCut?: (pairs: readonly TablePair[]) => Promise<void>
}

export interface BatchResult {
  readonly position: StoredPosition
  readonly changes: number
  readonly rows: number
  readonly bytes: number
  readonly recopied: readonly { readonly name: string; readonly reason: string }[]
}

/** The table at which a batch failed. */
export class TableApplyError extends Error {
  readonly table: { readonly schema: string; readonly name: string }

  constructor(table: { readonly schema: string; readonly name: string }, cause: unknown) {
    super(`${table.schema}.${table.name} could not be applied`, { cause })
    this.table = table
  }
}

const READ_LOCK_TIMEOUT_MS = 2000
const WRITE_LOCK_TIMEOUT_MS = 5000
const MAX_LOCK_ATTEMPTS = 5

/** One exact cut of the active becomes the state of this server, with its position, in one transaction. */
export async function runBatch(context: ApplyContext, plan: BatchPlan): Promise<BatchResult> {
  return applying(context, () => applyCut(context, plan))
}

/** The transaction of this server in which a batch, or a copy in several rounds, is applied. `work` commits it. */
export async function applying<Result>(
  { writer, states }: ApplyContext,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    await writer.query(`begin; set local lock_timeout = ${WRITE_LOCK_TIMEOUT_MS}`)
    await actAsReplica(writer)
    return await work()
  } catch (error) {
    await endQuietly(writer, 'rollback')
    states.forgetPending()
    throw error
  }
}

/**
 * Takes a cut and applies it. Locks come before the snapshot, because a table that is truncated or rewritten after the
 * snapshot would look empty in it.
 */
export async function applyCut(context: ApplyContext, plan: BatchPlan): Promise<BatchResult> {
  let lockNames: ReadonlySet<string> = expectedTables(context, plan)
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryCut(context, plan, lockNames)
    if (outcome.done) return outcome.result
    if (attempt >= MAX_LOCK_ATTEMPTS) throw new Error('the tables of a batch could not be settled')
    lockNames = new Set([...lockNames, ...outcome.alsoNeeded])
  }
}

type Attempt =
  | { readonly done: true; readonly result: BatchResult }
  | { readonly done: false; readonly alsoNeeded: readonly string[] }

async function tryCut(
  context: ApplyContext,
  plan: BatchPlan,
  lockNames: ReadonlySet<string>,
): Promise<Attempt> {
  const { reader, schema, states } = context
  const { since } = plan
  const copied = copiedOf(plan)
  try {
    await beginReading(reader, READ_LOCK_TIMEOUT_MS)
    const locked = states.pairs().filter((pair) => lockNames.has(pair.name))
    await lockForReading(
      reader,
      schema,
      locked.map((pair) => pair.source),
    )
    await context.onStep?.('locked', context)
    const snapshot = await currentSnapshot(reader)
    await context.onStep?.('snapshotTaken', context)
    const window =
      since instanceof CopiedTables
        ? await since.window(reader, schema)
        : await readWindow(reader, schema, since.snapshot)
    if (
      plan.inspect ||
      window.some((table) => table.wholeTable || !states.knowsId(table.tableId))
    ) {
      await inspect(context, window)
    }
    const work = states.work(window, plan.retryQuarantined, copied)
    const lockedNow = new Set(locked.map((pair) => pair.name))
    // A copy takes long: whatever changes before it has all its locks belongs to it.
    const wanted =
      copied === null || work.length === 0 ? work.map(({ pair }) => pair) : states.pairs()
    const alsoNeeded = wanted.map(({ name }) => name).filter((name) => !lockedNow.has(name))
    if (alsoNeeded.length > 0) {
      await reader.query('rollback')
      return { done: false, alsoNeeded }
    }
    copied?.foundUnchanged(snapshot, new Set(work.map(({ pair }) => pair.tableId)))
    const durable = makeDurable(context, snapshot)
    durable.catch(() => undefined)
    const result = await apply(context, plan, work, { snapshot, durable })
    // This server has committed: what becomes of the reader changes nothing of that.
    await endQuietly(reader, 'commit')
    return { done: true, result: { ...result, changes: countChanges(window) } }
  } catch (error) {
    await endQuietly(reader, 'rollback')
    throw error
  }
}

function copiedOf({ since }: BatchPlan): CopiedTables | null {
  return since instanceof CopiedTables ? since : null
}

async function makeDurable(context: ApplyContext, snapshot: string): Promise<Tick> {
  const tick = await writeTick(context.ticker, context.schema, snapshot)
  await context.onStep?.('tickWritten', context)
  return tick
}

/** The pairs are read in the batch's snapshot, so a change of the schema takes effect at an exact cut too. */
async function inspect(context: ApplyContext, window: readonly WindowTable[]): Promise<void> {
  const { reader, writer, schema, config, states } = context
  const signals: ReadonlyMap<number, TableSignal> = await readTableSignals(reader, schema)
  if (states.needsPairing(signals)) {
    const captured = await readCapturedTables(reader, schema)
    const source = await readTableCatalogue(reader, config)
    const target = await readTableCatalogue(writer, config)
    states.setPairing(pairTables(captured, source, target), source, target, signals)
  }
  states.observe(
    signals,
    new Set(window.filter((table) => table.wholeTable).map((table) => table.tableId)),
  )
}

export interface TableWork {
  readonly pair: TablePair
  /** Why the whole table is copied; null: only the keys in the window. */
  readonly whole: string | null
  /** It failed before: a failure now must not fail the batch. */
  readonly onTrial: boolean
}

async function apply(
  context: ApplyContext,
  plan: BatchPlan,
  work: readonly TableWork[],
  { snapshot, durable }: { readonly snapshot: string; readonly durable: Promise<Tick> },
): Promise<BatchResult> {
  const { writer, schema, states } = context
  const copied = copiedOf(plan)
  let rows = 0
  let bytes = 0
  for (const item of work) {
    plan.onTable?.(item.pair, 'begin', null)
    const result = await applyOne(context, plan, item)
    if (result === null) continue
    if (item.whole !== null) states.copied(item.pair.name, result.rows)
    if (copied !== null) states.inPlace(item.pair.name)
    copied?.broughtTo(snapshot, item.pair.tableId)
    rows += result.rows
    bytes += result.bytes
    plan.onTable?.(item.pair, 'end', result)
  }
  const tick = await durable
  await applySequences(context)
  await context.onStep?.('sequencesMoved', context)
  await plan.atCut?.(states.pairs().filter((pair) => states.isReplicated(pair.name)))
  const position: StoredPosition = {
    ...plan.lineage,
    ...tick,
    tickSnapshot: tick.snapshot,
    state: 'applied',
  }
  if (plan.since instanceof CopiedTables) await savePosition(writer, schema, position)
  else await advancePosition(writer, schema, plan.since, position)
  await context.onStep?.('positionMoved', context)
  const known = states.onlyKnown()
  if (known !== null) await forgetOtherTables(writer, schema, known)
  await saveTableStates(writer, schema, states.pending(work))
  await context.onStep?.('beforeCommit', context)
  await writer.query('commit')
  await context.onStep?.('committed', context)
  const recopied = states.commitPending()
  return { position, changes: 0, rows, bytes, recopied }
}

async function applyOne(
  context: ApplyContext,
  plan: BatchPlan,
  item: TableWork,
): Promise<TransferResult | null> {
  const { reader, writer, schema, states } = context
  const transfer = {
    reader,
    writer,
    sourceSchema: schema,
    source: item.pair.source,
    target: item.pair.target,
    tableId: item.pair.tableId,
    onStep: context.onStep,
    ...(plan.onBytes === undefined ? {} : { onBytes: plan.onBytes }),
    ...(plan.onKeys === undefined ? {} : { onKeys: plan.onKeys }),
  }
  if (item.onTrial)
    await Promise.all([writer, reader].map((client) => client.query('savepoint trial')))
  const { since } = plan
  const applied =
    since instanceof CopiedTables ? since.snapshotOf(item.pair.tableId) : since.snapshot
  try {
    const result =
      item.whole !== null || applied === null
        ? await applyWholeTable(transfer)
        : await applyChangedKeys(transfer, applied)
    if (item.onTrial) await writer.query('release savepoint trial')
    return result
  } catch (cause) {
    if (isTransient(cause)) {
      // A copy goes on with what it has.
      if (item.onTrial) await endQuietly(writer, 'rollback to savepoint trial')
      throw cause
    }
    if (!item.onTrial) throw new TableApplyError(item.pair.target, cause)
    await Promise.all([writer, reader].map((client) => client.query('rollback to savepoint trial')))
    states.trialFailed(item.pair, cause)
    return null
  }
}

function expectedTables({ states }: ApplyContext, plan: BatchPlan): ReadonlySet<string> {
  // What a copy knows of the tables may be of before its last interruption.
  if (copiedOf(plan) !== null) return new Set()
  const work = states.work(plan.expected, plan.retryQuarantined, null)
  return new Set(work.map((item) => item.pair.name))
}

function countChanges(window: readonly WindowTable[]): number {
  return window.reduce((sum, table) => sum + table.changes, 0)
}

async function endQuietly(client: pg.Client, statement: string): Promise<void> {
  await client.query(statement).catch(() => undefined)
}
