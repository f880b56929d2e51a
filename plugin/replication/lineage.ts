import type { QuotedName } from '../db/identifiers.ts'
import type { Queryable } from '../db/transaction.ts'
import { newestPromotion, type Promotion, type StoredPosition } from './queries/position.ts'
import { isBefore, readServerState, type ServerState } from './queries/state.ts'
import { findTick } from './queries/ticks.ts'
import { NotReadyError } from './replication-error.ts'
import { covers } from './snapshot.ts'

/** What this server has when it begins to follow. */
export interface OwnHistory {
  readonly serverId: string
  readonly position: StoredPosition | null
  /** Where this server had handed over as active; null when it had not, or has been active since. */
  readonly handedOver: { readonly tickId: string; readonly snapshot: string } | null
  /** The life of its own journal, and what at the most was purged of it. */
  readonly generation: string
  readonly acknowledgedSnapshot: string | null
  /** Its newest own promotion; 0 when there was none. */
  readonly term: number
  /** Its database stands before what the new active had applied of it: it was set back. */
  readonly isBefore: (snapshot: string) => Promise<boolean>
  /** Changes in its own journal that are not in the hand-over's snapshot. */
  readonly undeliveredAfterHandOver: number
}

/** How to follow: go on, begin at the promotion without a copy or with some keys, or copy afresh with the reason. */
export type Lineage =
  | { readonly kind: 'goOn'; readonly from: StoredPosition }
  | { readonly kind: 'fromPromotion'; readonly from: StoredPosition }
  /** Both journals are whole: only the rows that either server changed since the take-over are copied. */
  | { readonly kind: 'byKeys'; readonly from: StoredPosition; readonly delivered: string }
  | { readonly kind: 'copy'; readonly reason: string; readonly rewound: boolean }

export interface SourceIdentity {
  readonly state: ServerState
  readonly promotion: Promotion | null
}

/** Reads who the active is and whether it may be followed. Errors: NotReadyError. */
export async function readSource(
  source: Queryable,
  schema: QuotedName,
  expected: { readonly serverId: string; readonly term: number },
): Promise<SourceIdentity> {
  const state = await readServerState(source, schema)
  if (!state.isOurs)
    throw new NotReadyError("the active's database was moved or restored from another server")
  if (state.serverId !== expected.serverId)
    throw new NotReadyError("the active's database belongs to another server")
  if (state.role !== 'active') throw new NotReadyError("the active's database is not promoted yet")
  if (state.term < expected.term) throw new NotReadyError("the active's promotion is not done yet")
  return { state, promotion: await newestPromotion(source, schema) }
}

/** Decides how to follow; a doubt always means a copy. */
export async function decideLineage(
  source: Queryable,
  schema: QuotedName,
  identity: SourceIdentity,
  own: OwnHistory,
): Promise<Lineage> {
  const { state, promotion } = identity
  const { position } = own
  if (position !== null && position.state === 'applied' && position.sourceId === state.serverId) {
    return goOn(source, schema, state, position)
  }
  const from = promotionStart(state, promotion, own)
  if (from !== null) return { kind: 'fromPromotion', from }
  const failback = await failbackStart(state, promotion, own)
  if (failback !== null) return failback
  const reason =
    position === null
      ? 'this server has no copy of the active server yet'
      : 'this server followed another one before'
  return { kind: 'copy', reason, rewound: false }
}

async function goOn(
  source: Queryable,
  schema: QuotedName,
  state: ServerState,
  position: StoredPosition,
): Promise<Lineage> {
  const copy = (reason: string, rewound: boolean): Lineage => ({ kind: 'copy', reason, rewound })
  if (await isBefore(source, position.snapshot))
    return copy('the active server was set back in time', true)
  if (state.mode === 'off') return copy('the active had stopped capturing changes', false)
  if (position.generation !== state.generation)
    return copy("the active's journal was started afresh", false)
  const tick = await findTick(source, schema, position)
  if (tick === null) return copy('the active server does not know the position of this one', true)
  if (BigInt(tick.tickId) < BigInt(state.purgedTickId)) {
    return copy('the active has already dropped changes that this server lacks', true)
  }
  const { tickId, snapshot: tickSnapshot } = tick
  return { kind: 'goOn', from: { ...position, tickId, tickSnapshot, sourceTerm: state.term } }
}

/** After a planned hand-over both servers stand at the same cut: the new active has applied all that we had. */
function promotionStart(
  state: ServerState,
  promotion: Promotion | null,
  own: OwnHistory,
): StoredPosition | null {
  if (
    state.mode === 'off' ||
    promotion === null ||
    own.handedOver === null ||
    own.undeliveredAfterHandOver > 0
  )
    return null
  const drained =
    promotion.formerSourceId === own.serverId &&
    promotion.formerSnapshot !== null &&
    covers(promotion.formerSnapshot, own.handedOver.snapshot)
  return drained && isWholeSince(state, promotion) ? startOf(state, promotion) : null
}

/** The new active's journal has every change since its promotion. */
function isWholeSince(state: ServerState, promotion: Promotion): boolean {
  return (
    promotion.serverId === state.serverId &&
    promotion.generation === state.generation &&
    BigInt(promotion.tickId) >= BigInt(state.purgedTickId)
  )
}

function startOf(state: ServerState, promotion: Promotion): StoredPosition {
  return {
    sourceId: promotion.serverId,
    sourceTerm: state.term,
    generation: state.generation,
    snapshot: promotion.snapshot,
    tickId: promotion.tickId,
    tickSnapshot: promotion.snapshot,
    state: 'applied',
  }
}

/**
 * After a failover: the new active had applied this server up to `formerSnapshot`, and this server's own journal names every
 * row that it has changed since. Null when either journal may lack something.
 */
async function failbackStart(
  state: ServerState,
  promotion: Promotion | null,
  own: OwnHistory,
): Promise<Lineage | null> {
  if (state.mode === 'off' || promotion === null || own.position !== null) return null
  const { formerSnapshot, formerSourceId, formerGeneration } = promotion
  if (formerSnapshot === null || formerSourceId !== own.serverId) return null
  const ownIsWhole =
    formerGeneration === own.generation &&
    (own.acknowledgedSnapshot === null || covers(formerSnapshot, own.acknowledgedSnapshot)) &&
    own.term < promotion.term &&
    !(await own.isBefore(formerSnapshot))
  if (!ownIsWhole || !isWholeSince(state, promotion)) return null
  return { kind: 'byKeys', from: startOf(state, promotion), delivered: formerSnapshot }
}
