import type pg from 'pg'
import { quoteName, type QuotedName } from '../db/identifiers.ts'
import { inTransaction } from '../db/transaction.ts'
import { announceQuarantined, withoutAwaited } from './announce.ts'
import type { ApplyContext } from './batch.ts'
import { CopyMonitor } from './copy-monitor.ts'
import { copyInRounds } from './copy-rounds.ts'
import type { FollowerInput } from './follower.ts'
import type { FollowerStatus } from './follower-status.ts'
import { type Following, toApplied } from './following.ts'
import {
  decideLineage,
  type Lineage,
  type OwnHistory,
  readSource,
  type SourceIdentity,
} from './lineage.ts'
import { truncateJournal } from './queries/journal.ts'
import * as positions from './queries/position.ts'
import { clearHandOver, isBefore, newGeneration, readServerState } from './queries/state.ts'
import { countUndelivered } from './queries/unsent.ts'
import type { SourceSession } from './source-session.ts'
import { beginByKeys } from './failback.ts'
import { startCapture } from './start-capture.ts'
import { TableStates } from './table-states.ts'
import { keepUnsentChanges, noteWinners } from './unsent-changes.ts'

export interface BeginInput {
  readonly input: FollowerInput
  readonly following: Following
  readonly status: FollowerStatus
  readonly stop: AbortSignal
}

/** Settles from where this server goes on, and copies when it must. Errors: NotReadyError and what SQL throws. */
export async function beginFollowing(
  session: SourceSession,
  begin: BeginInput,
): Promise<ApplyContext> {
  const { input, following } = begin
  const { source, config } = input
  const schema = quoteName(config.schema)
  const expected = { serverId: source.serverId, term: source.term() }
  const identity = await readSource(session.reader, schema, expected)
  const own = await readOwnHistory(session.writer, schema, input.serverId)
  const lineage: Lineage = following.copyRequested
    ? { kind: 'copy', reason: 'asked for', rewound: false }
    : await decideLineage(session.reader, schema, identity, own)
  const goesOn = lineage.kind === 'goOn'
  const stored = goesOn ? await positions.readReplicatedTables(session.writer, schema) : []
  following.states = new TableStates(stored)
  const { reader, ticker, observer, writer, settler } = session
  const context: ApplyContext = {
    config,
    schema,
    reader,
    ticker,
    observer,
    writer,
    settler,
    states: following.states,
    sequences: new Map(),
    onStep: input.onStep,
  }
  const copy = (reason: string): Promise<void> =>
    copyAfresh(context, session, begin, { identity, own, reason })
  if (lineage.kind === 'copy') await copy(lineage.reason)
  else if (lineage.kind === 'fromPromotion') await beginAtPromotion(context, begin, lineage.from)
  else if (lineage.kind === 'byKeys') {
    const outcome = await beginByKeys(context, begin, lineage)
    if (outcome !== 'begun') await copy(outcome)
  } else following.moveTo(lineage.from)
  return context
}

async function readOwnHistory(
  writer: pg.Client,
  schema: QuotedName,
  serverId: string,
): Promise<OwnHistory> {
  const state = await readServerState(writer, schema)
  const { handedOverTickId: tickId, handedOverSnapshot: snapshot } = state
  const handedOver = tickId === null || snapshot === null ? null : { tickId, snapshot }
  const undelivered =
    handedOver === null ? 0 : await countUndelivered(writer, schema, handedOver.snapshot)
  return {
    serverId,
    position: await positions.readPosition(writer, schema),
    handedOver,
    undeliveredAfterHandOver: undelivered,
    generation: state.generation,
    acknowledgedSnapshot: state.acknowledgedSnapshot,
    term: state.term,
    isBefore: (former) => isBefore(writer, former),
  }
}

async function beginAtPromotion(
  context: ApplyContext,
  begin: BeginInput,
  from: positions.StoredPosition,
): Promise<void> {
  const { writer, schema } = context
  context.states.adoptSignals()
  await inTransaction(writer, async () => {
    await positions.savePosition(writer, schema, from)
    await positions.forgetReplicatedTables(writer, schema)
    await closeOwnJournal(writer, schema)
  })
  begin.following.moveTo(from)
  const { logger } = begin.input
  logger.info({ term: from.sourceTerm }, 'following from the promotion, without a copy')
}

/** What this server had journaled as active belongs to a history that has ended. */
export async function closeOwnJournal(writer: pg.Client, schema: QuotedName): Promise<void> {
  await newGeneration(writer, schema)
  await clearHandOver(writer, schema)
  await truncateJournal(writer, schema)
}

async function copyAfresh(
  context: ApplyContext,
  { openReader }: SourceSession,
  begin: BeginInput,
  known: {
    readonly identity: SourceIdentity
    readonly own: OwnHistory
    readonly reason: string
  },
): Promise<void> {
  const { identity, own, reason } = known
  const { following, status, input } = begin
  const { events, now } = input
  const { state } = identity
  events.history('resynchronisationStarted', reason, { sourceId: state.serverId })
  status.copying(reason)
  await forgetFormerCopy(context, begin, identity, own)
  await startCapture(context.ticker, context.schema, begin.stop)
  const begun = now()
  const monitor = new CopyMonitor(now, (progress) => status.progress(progress))
  const { generation } = state
  const plan: Parameters<typeof copyInRounds>[1] = {
    expected: [],
    lineage: { sourceId: state.serverId ?? '', sourceTerm: state.term, generation },
    inspect: true,
    retryQuarantined: false,
    onTable: (pair, phase, outcome) => monitor.table(context.states.pairs(), pair, phase, outcome),
    onBytes: (count) => monitor.bytes(count),
  }
  let lastTold = ''
  const interrupted = (why: string): void => {
    const { done, total } = monitor.tables()
    const told = `${why}; the copy goes on with the tables that are left`
    input.logger.warn({ reason: why, tables: done, of: total }, 'the copy was interrupted')
    status.copying(told)
    // A migration that takes minutes interrupts each round: it is told once.
    if (lastTold === `${done} ${why}`) return
    lastTold = `${done} ${why}`
    events.history('copyGaveWay', told, { tables: done, of: total })
  }
  const { stop } = begin
  const result = await copyInRounds(context, plan, { openReader, interrupted, stop })
  await inTransaction(context.writer, () =>
    noteWinners(context.writer, context.schema, context.config),
  )
  following.copyRequested = false
  status.caughtUp(begun, context.states.quarantined())
  following.moveTo(result.position)
  monitor.finish()
  announceQuarantined(events, withoutAwaited(context.states.quarantined()))
  const { rows, bytes } = monitor.copied()
  events.history('resynchronisationDone', `${rows} rows copied`, { rows, bytes })
  events.applied(toApplied(result.position))
}

/** Keeps unsent changes, then forgets what this server was a copy of: from here on it is a copy of nothing. */
async function forgetFormerCopy(
  context: ApplyContext,
  begin: BeginInput,
  identity: SourceIdentity,
  own: OwnHistory,
): Promise<void> {
  const { writer, schema, config } = context
  const { events, serverId } = begin.input
  const { promotion } = identity
  const appliedOfOurs = promotion?.formerSourceId === serverId ? promotion.formerSnapshot : null
  const { acknowledgedSnapshot } = await readServerState(writer, schema)
  const delivered = appliedOfOurs ?? own.handedOver?.snapshot ?? acknowledgedSnapshot
  const term = promotion?.formerSourceTerm ?? own.position?.sourceTerm ?? 0
  const kept = await inTransaction(writer, async () => {
    const wasActive = own.position === null
    const count = wasActive
      ? await keepUnsentChanges(writer, schema, config, { term, delivered })
      : 0
    await positions.forgetPosition(writer, schema)
    await positions.forgetReplicatedTables(writer, schema)
    await closeOwnJournal(writer, schema)
    return count
  })
  begin.following.position = null
  begin.following.settled = null
  if (kept === 0) return
  const reason = `${kept} changes had not reached the other server; they are kept`
  events.history('unsentChanges', reason, { count: kept })
}
