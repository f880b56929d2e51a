import type { NotReplicated, ReplicationStatus, TableStatus } from '../api/status-document.ts'
import type { DatabaseConfig } from './database-config.ts'
import type { Follower } from './follower.ts'
import type { JournalKeeper } from './journal-keeper.ts'
import { partialExclusions, type TableCatalogue } from './table-catalogue.ts'
import { displayName } from './table-description.ts'

export interface EngineStatusInput {
  readonly role: 'off' | 'active' | 'standby'
  readonly config: DatabaseConfig
  readonly follower: Follower | null
  readonly keeper: JournalKeeper | null
  readonly catalogue: TableCatalogue | null
}

/** What both sides of the engine say of themselves, in one document. Reads memory only. */
export function engineStatus(input: EngineStatusInput): ReplicationStatus {
  const { follower, keeper } = input
  const common = {
    journalCapBytes: input.config.journalCapBytes,
    notReplicated: notReplicated(input),
    tables: tables(input),
  }
  if (follower === null) {
    const active = input.role === 'active'
    return {
      ...common,
      phase: active ? 'capturing' : 'off',
      reason: active ? 'changes are captured for the standby' : 'replication is off',
      inSync: active,
      lag: keeper?.lag ?? null,
      recentLagMs: [],
      initialCopy: null,
      catchUp: null,
      lastBatch: null,
      journalBytes: keeper?.journalBytes ?? null,
      wakeUp: null,
      lastCheck: null,
    }
  }
  const { status } = follower
  return {
    ...common,
    phase: status.phase,
    reason: status.reason,
    inSync: status.inSync,
    lag: status.lag(),
    recentLagMs: status.recentLagMs(),
    initialCopy: status.initialCopy,
    catchUp: status.catchUp,
    lastBatch: status.lastBatch,
    journalBytes: null,
    wakeUp: follower.listens() ? 'notify' : 'poll',
    lastCheck: status.lastCheck,
  }
}

function notReplicated(input: EngineStatusInput): readonly NotReplicated[] {
  const catalogue = input.follower?.states().target() ?? input.catalogue
  const sequences = (input.follower?.states().missingSequences() ?? []).map(
    (name): NotReplicated => ({
      name,
      kind: 'object',
      why: 'impossible',
      reason: 'the sequence is missing on the standby',
    }),
  )
  // What the other server leaves out is left out here too.
  const agreed = partialExclusions(
    input.follower
      ?.states()
      .pairs()
      .map(({ target }) => target) ?? [],
  )
  const all = [...(catalogue?.notReplicated ?? []), ...agreed, ...sequences]
  return [...new Map(all.map((entry) => [`${entry.kind} ${entry.name}`, entry])).values()]
}

function tables(input: EngineStatusInput): readonly TableStatus[] {
  const states = input.follower?.states()
  if (states === undefined)
    return (input.catalogue?.tables ?? []).map((table) => plainStatus(table, input.keeper))
  const known = new Map(states.pairs().map((pair) => [pair.name, pair]))
  return [...states.all()].map(([name, state]) => ({
    name,
    state: state.state,
    reason: state.reason,
    capture: known.get(name)?.capture ?? 'key',
    rows: state.rows ?? null,
    lastChangeAt: state.lastChangeAt ?? null,
    lastCheckedAt: state.lastCheckedAt ?? null,
    lag: null,
  }))
}

function plainStatus(
  table: TableCatalogue['tables'][number],
  keeper: JournalKeeper | null,
): TableStatus {
  const name = displayName(table)
  const { lag, lastChangeAt } = keeper?.tableActivity(name) ?? { lag: null, lastChangeAt: null }
  return {
    name,
    state: 'replicated',
    reason: null,
    capture: table.key === null ? 'wholeTable' : 'key',
    rows: Math.round(table.estimatedRows),
    lastChangeAt,
    lastCheckedAt: null,
    lag,
  }
}
