import { peerHeard, silentMs, type CoreSettings, type Decision } from './decision.ts'
import type { Event, EventOf } from './event.ts'
import { holdsLease } from './report.ts'
import type { Shared, State, StateOf, WitnessView } from './state.ts'
import type { Timing } from './timing.ts'

export const NO_WITNESS: WitnessView = {
  askedAt: null,
  heldUntil: null,
  unansweredSince: null,
  lost: false,
  answer: null,
}

/** What an answer of the witness changes. What was granted before a silence stays granted to its end. */
export function withAnswer(
  before: WitnessView,
  { answer, askedAt, now }: EventOf<'witnessAnswered'>,
  timing: Timing,
): WitnessView {
  const view: WitnessView = { ...before, unansweredSince: null, lost: false }
  switch (answer) {
    case 'granted':
      return {
        ...view,
        answer,
        heldUntil: Math.max(view.heldUntil ?? -Infinity, askedAt + timing.witnessMs),
      }
    case 'heldByPeer':
      return { ...view, answer, heldUntil: null }
    case 'unreachable': {
      const unansweredSince = before.unansweredSince ?? askedAt
      const lost = now - unansweredSince >= timing.isolationMs
      return { ...view, answer, unansweredSince, lost }
    }
  }
}

/** A claim needs the witness when nobody else could object: the peer is silent and no administrator insists. */
export function needsWitness(
  { shared, forced, cause }: StateOf<'claiming'>,
  now: number,
  settings: CoreSettings,
): boolean {
  if (settings.witness !== true || forced || cause === 'firstPairing') return false
  const { isolationMs, warnMs } = settings.timing
  // What is read right after a stop may have waited in the socket all the while.
  const awakeLately = now - shared.graceFrom < isolationMs + warnMs
  return awakeLately || !peerHeard(shared, now, settings.timing)
}

/**
 * The longest lease of the address that has ended in the kernel, however late that is, before the witness gives the role
 * to somebody else; 0 when there is none.
 */
export function witnessedLeaseMs({ witness }: Shared, now: number, timing: Timing): number {
  if (witness.heldUntil === null) return 0
  return wholeLease(witness.heldUntil - now - latenessMs(timing), timing)
}

/** The lease of a server that serves: shorter while it does not hear the peer and the witness vouches for it. */
export function heldLeaseMs(shared: Shared, now: number, settings: CoreSettings): number {
  const { timing } = settings
  const silent = silentMs(shared, now)
  if (settings.witness !== true || silent < 2 * timing.intervalMs) return timing.leaseMs
  // Until the dead time is over the peer does not claim, whatever the witness says.
  const beforeDead = timing.deadMs - timing.intervalMs - silent - latenessMs(timing)
  const longest = Math.max(
    wholeLease(beforeDead, timing),
    witnessedLeaseMs(shared, now, timing),
    timing.shortestLeaseMs,
  )
  return longest
}

/** On a tick: whoever serves, or is about to, keeps the role at the witness. */
export function keepWitness(decision: Decision, event: Event, settings: CoreSettings): Decision {
  const { state } = decision
  if (event.type !== 'tick' || settings.witness !== true || !wantsRole(state)) return decision
  const { askedAt } = state.shared.witness
  if (askedAt !== null && event.now - askedAt < settings.timing.witnessRenewMs) return decision
  const witness: WitnessView = { ...state.shared.witness, askedAt: event.now }
  return {
    ...decision,
    state: { ...state, shared: { ...state.shared, witness } },
    effects: [...decision.effects, { type: 'askWitness' }],
  }
}

function wantsRole(state: State): boolean {
  if (holdsLease(state)) return true
  return (
    state.name === 'claiming' &&
    state.step !== 'checkingReferences' &&
    state.step !== 'probingVirtualIp'
  )
}

function wholeLease(ms: number, { leaseMs, leaseUnitMs }: Timing): number {
  return Math.max(0, Math.min(leaseMs, Math.floor(ms / leaseUnitMs) * leaseUnitMs))
}

/** So long after its lease the address may still be there. */
function latenessMs({ heldLimitMs, leaseMs }: Timing): number {
  return heldLimitMs - leaseMs
}
