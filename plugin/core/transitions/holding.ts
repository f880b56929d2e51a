import {
  alarmOnce,
  lastEvidence,
  enter,
  peerActive,
  record,
  silentMs,
  stay,
  withShared,
  type CoreSettings,
  type Decision,
} from '../decision.ts'
import type { Effect } from '../effect.ts'
import type { EventOf } from '../event.ts'
import type { Lease, State, StateOf } from '../state.ts'
import type { Timing } from '../timing.ts'
import { heldLeaseMs, witnessedLeaseMs } from '../witness.ts'
import { followActive, letGo, stepBack, upkeep } from './common.ts'

/** A server that holds the virtual IP, whether or not a hand-over is being prepared. */
export type Holder = StateOf<'active'> | StateOf<'handingOver'>

/** After the first announcement, for switches and phones that missed it. */
const ANNOUNCE_AFTER_MS = [1000, 2000, 4000]
const ANNOUNCE_EVERY_MS = 15_000
/** After so many heartbeats of ours, a peer that acts as if there were none does not hear us. */
const DEAF_INTERVALS = 3

/** Why the holder must let go now; null while it is entitled to the address. */
export function lostRight(state: Holder, now: number, settings: CoreSettings): string | null {
  const { timing } = settings
  const unrenewedMs = Math.round(now - state.securedAt)
  if (unrenewedMs >= timing.leaseMs - timing.leaseMarginMs)
    return state.renewFailingSince === null
      ? `the lease was not renewed for ${unrenewedMs} ms: this server was stopped too long`
      : `the lease could not be renewed for ${unrenewedMs} ms`
  if (!state.shared.own.carrierUp) return 'the network cable of this server is not connected'
  if (state.forced) return null
  if (settings.witness === true) return lostWitnessed(state, now, timing)
  const aloneMs = Math.round(now - Math.max(lastEvidence(state.shared), state.shared.graceFrom))
  return aloneMs < timing.isolationMs
    ? null
    : `neither the peer nor a reference address was heard for ${aloneMs} ms: this server is isolated`
}

/** Two out of three: a reference address could not refuse the second claimant, so it does not count here. */
function lostWitnessed({ shared }: Holder, now: number, timing: Timing): string | null {
  const silent = Math.round(now - (shared.peer.heardAt ?? -Infinity))
  if (silent < timing.isolationMs || witnessedLeaseMs(shared, now, timing) > 0) return null
  return `the peer was not heard for ${silent} ms, and the witness does not keep the role for this server`
}

/** Lets go of the address at once; the service is held, since the right may come back in a moment. */
export function recheck(
  state: Holder,
  now: number,
  reason: string,
  first: readonly Effect[],
): Decision {
  return enter(state, now, { name: 'rechecking' }, reason, [
    { type: 'dropVirtualIp' },
    { type: 'sendHeartbeat' },
    ...first,
    record('steppedDown', reason),
  ])
}

/** The upkeep of the lease: renews, announces, asks the references, warns of a lost peer. */
export function holderUpkeep<S extends Holder>(
  before: S,
  now: number,
  settings: CoreSettings,
): { readonly state: S; readonly effects: readonly Effect[] } {
  const { timing } = settings
  const renewed = renew(before, now, settings)
  const announced = announce(renewed.state, now)
  const kept = upkeep(announced.state.shared, now, timing)
  const lost = peerLost(kept.shared, now, timing)
  return {
    state: withShared(announced.state, lost.shared),
    effects: [...renewed.effects, ...announced.effects, ...kept.effects, ...lost.effects],
  }
}

/** A heartbeat that reaches a holder: yields to an active peer with the better claim, corrects the other one. */
export function holderHeartbeat(
  before: Holder,
  event: EventOf<'heartbeat'>,
  timing: Timing,
  first: readonly Effect[],
): Decision {
  const { report, now } = event
  const state: Holder = { ...before, forced: false }
  if (report.state === 'claiming' && report.term > state.shared.term)
    return yieldToClaim(
      state,
      now,
      `the peer claims with the higher term ${report.term}`,
      timing,
      first,
    )
  if (!peerActive(state.shared)) return splitEnded(state)
  const equalTerm = report.term === state.shared.term && report.identity === 'primary'
  const unheardMs = now - Math.max(state.shared.peer.activeSince ?? now, state.since)
  // Only who hears can yield: a peer that stays active although we told it does not hear us.
  const isDeaf = unheardMs >= DEAF_INTERVALS * timing.intervalMs
  if (report.term < state.shared.term && isDeaf) {
    const reason = `the peer is active with the lower term ${report.term} and does not hear this server`
    return yieldToClaim(state, now, reason, timing, first)
  }
  if (report.term > state.shared.term || equalTerm) {
    const reason = `the peer is active with term ${report.term}, this server had term ${state.shared.term}`
    return followActive(state, now, reason, [
      ...first, // writes are unlocked by undoing a hand-over, so the lock must come after it
      ...letGo(reason),
      record('splitFound', reason),
      record('steppedDown', reason),
    ])
  }
  const reason = `the peer is active with the lower term ${report.term}`
  const alarm = alarmOnce(state.shared, 'split', 'splitFound', reason)
  const peer = { ...alarm.shared.peer, divergedTerm: report.term }
  return stay(withShared(state, { ...alarm.shared, peer }), reason, [
    { type: 'sendHeartbeat' },
    ...alarm.effects,
  ])
}

/** A claim that reaches a holder: it yields to a higher term, even when the claimant cannot hear it. */
export function holderClaim(
  state: Holder,
  event: EventOf<'claimHeard'>,
  { timing }: CoreSettings,
  first: readonly Effect[],
): Decision {
  const { now, term } = event
  const { deafSince } = state.shared.peer
  const isDeaf = deafSince !== null && now - deafSince >= DEAF_INTERVALS * timing.intervalMs
  if (term <= state.shared.term && !isDeaf)
    return stay(state, `the peer claims with the lower term ${term}`, [{ type: 'sendHeartbeat' }])
  const reason = `the peer claims with term ${term}: it does not hear this server`
  return yieldToClaim(state, now, reason, timing, first)
}

function yieldToClaim(
  state: Holder,
  now: number,
  reason: string,
  timing: Timing,
  first: readonly Effect[],
): Decision {
  // Writes are unlocked by undoing a hand-over, so the lock must come after it.
  const effects = [...first, ...letGo(reason), record('steppedDown', reason)]
  return stepBack(state, now, reason, timing, effects, {}, now)
}

/** Outcomes of the lease's own effects; null for those of others. */
export function leaseOutcome(
  state: Holder,
  event: EventOf<'effectDone'> | EventOf<'effectFailed'>,
  timing: Timing,
): Decision | null {
  if (event.effect !== 'renewVirtualIp') return null
  if (event.type === 'effectDone')
    return stay(
      {
        ...state,
        securedAt: Math.max(state.securedAt, event.decidedAt),
        renewFailingSince: null,
      },
      'the lease is renewed',
    )
  const reason = `the lease could not be renewed: ${event.reason}`
  const failing = state.renewFailingSince
  const first = failing === null
  return stay(
    {
      ...state,
      renewFailingSince: failing ?? event.now,
      renewedAt: Math.min(state.renewedAt, event.now - timing.renewMs), // due again at the next tick
    },
    reason,
    first ? [record('virtualIpFailed', reason)] : [],
  )
}

export function holderMissing(state: Holder): Decision {
  const reason = 'the virtual IP, or the gate before it, had been removed and was put back'
  return stay(state, reason, [{ type: 'announceVirtualIp' }, record('virtualIpRestored', reason)])
}

function renew<S extends Holder>(state: S, now: number, settings: CoreSettings) {
  const leaseMs = heldLeaseMs(state.shared, now, settings)
  const dueMs = now - state.renewedAt
  if (dueMs < leaseMs / 4) return { state, effects: [] }
  const effect: Effect = { type: 'renewVirtualIp', leaseMs }
  return { state: { ...state, renewedAt: now }, effects: [effect] }
}

function announce<S extends Holder>(state: S, now: number) {
  const waitMs = ANNOUNCE_AFTER_MS[state.announcements - 1] ?? ANNOUNCE_EVERY_MS
  if (now - state.announcedAt < waitMs) return { state, effects: [] }
  const announced: Lease = { ...state, announcements: state.announcements + 1, announcedAt: now }
  const effect: Effect = { type: 'announceVirtualIp' }
  return { state: { ...state, ...announced }, effects: [effect] }
}

function peerLost(shared: State['shared'], now: number, timing: Timing) {
  const silent = Math.round(silentMs(shared, now))
  if (silent < timing.deadMs) return { shared, effects: [] }
  return alarmOnce(
    shared,
    'peerLost',
    'peerLost',
    `no heartbeat for ${silent} ms: this server serves alone`,
  )
}

/** After a double the clients may hold the wrong hardware address: announce again. */
function splitEnded(state: Holder): Decision {
  const { alarms } = state.shared
  if (!alarms.includes('split')) return stay(state, 'the peer is heard')
  const rest = alarms.filter((alarm) => alarm !== 'split')
  return stay(withShared(state, { alarms: rest }), 'the peer has stepped down', [
    { type: 'announceVirtualIp' },
  ])
}
