import {
  lastEvidence,
  persist,
  record,
  stay,
  withShared,
  type CoreSettings,
  type Decision,
} from '../decision.ts'
import type { EventOf } from '../event.ts'
import type { ClaimStep } from '../state.ts'
import { nextTerm } from '../term.ts'
import { needsWitness, witnessedLeaseMs } from '../witness.ts'
import { giveUp, next, refuse, STILL_SERVES, type Claiming } from './claim-steps.ts'

/** What the answer to "who holds the virtual IP?" means for a claim. */
export function claimProbed(
  state: Claiming,
  event: EventOf<'virtualIpProbed'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  const { now } = event
  if (event.visit !== state.shared.visit || !ASKED_IN.includes(state.step))
    return stay(state, 'the answer is not awaited')
  switch (event.result) {
    case 'free':
      if (heldLately(state, now, timing))
        return stay(
          { ...state, probeAt: now + timing.probePollMs },
          'the virtual IP seems free, but the peer held it a moment ago: waits until its lease must have ended',
        )
      if (state.step === 'probingVirtualIp') return askWitness(state, now, settings)
      return state.step === 'confirmingVirtualIp'
        ? raise(state, now, settings)
        : stay(state, 'the virtual IP is still free')
    case 'heldByPeer': {
      const held = withShared(state, { peer: { ...state.shared.peer, heldAt: now } })
      if (state.step === 'probingVirtualIp' && now - state.stepSince < timing.heldLimitMs)
        return stay(
          { ...held, probeAt: now + timing.probePollMs },
          'the peer still holds the virtual IP: waits for its lease to end',
        )
      return refuse(held, now, 'answered', 'splitPrevented', STILL_SERVES, timing)
    }
    case 'heldByStranger':
      return refuse(
        state,
        now,
        'conflict',
        'virtualIpConflict',
        'another device answers for the virtual IP',
        timing,
      )
    case 'notBelievable':
      return giveUp(
        state,
        now,
        'the virtual IP could not be probed: the link of this server is not sound',
        timing,
        now + 1000,
      )
  }
}

const ASKED_IN: readonly ClaimStep[] = [
  'probingVirtualIp',
  'claiming',
  'promoting',
  'persistingRole',
  'confirmingVirtualIp',
]

/** Nobody answered for the address a moment ago. */
export function isFree(
  { shared }: Claiming,
  now: number,
  { freeForMs }: CoreSettings['timing'],
): boolean {
  return shared.virtualIpFreeAt !== null && now - shared.virtualIpFreeAt <= freeForMs
}

/** One lost answer must not look like a free address, and a peer that held it may renew until it finds itself isolated. */
function heldLately(
  { shared, step }: Claiming,
  now: number,
  timing: CoreSettings['timing'],
): boolean {
  const { heldAt } = shared.peer
  if (step !== 'probingVirtualIp' || heldAt === null) return false
  return now - heldAt < Math.max(timing.heldLimitMs, timing.isolationMs + timing.intervalMs)
}

/** The address is free: while the peer is silent the witness must agree, where there is one. */
export function askWitness(state: Claiming, now: number, settings: CoreSettings): Decision {
  if (!needsWitness(state, now, settings)) return persistTerm(state, now)
  return next(state, now, 'askingWitness', 'the virtual IP is free: asks the witness', [
    { type: 'askWitness' },
  ])
}

/** What the witness says to a claim: only its lease lets a server go on that does not hear its peer. */
export function claimWitnessed(
  state: Claiming,
  event: EventOf<'witnessAnswered'>,
  { timing }: CoreSettings,
): Decision {
  const { now } = event
  if (state.step !== 'askingWitness' || event.askedAt < state.stepSince)
    return stay(state, 'takes note')
  if (event.answer === 'granted') return persistTerm(state, now)
  const waits = now - state.stepSince < timing.witnessMs
  if (event.answer === 'heldByPeer' && waits)
    return stay(
      { ...state, probeAt: now + timing.probePollMs },
      'the peer holds the role at the witness: waits for it to end',
    )
  const reason =
    event.answer === 'heldByPeer'
      ? 'the peer is not heard, but it holds the role at the witness: look at the network between the servers'
      : 'neither the peer nor the witness answers: this server may be the isolated one'
  return refuse(state, now, 'witness', 'splitPrevented', reason, timing)
}

/** The address is free: a term of its own parity, above every one that was heard. */
export function persistTerm(state: Claiming, now: number): Decision {
  const { shared } = state
  const highest = Math.max(shared.term, shared.seenTerm, shared.reservedTerm)
  const term = nextTerm(highest, shared.identity)
  const reserved = withShared(state, { reservedTerm: term })
  return next(reserved, now, 'persistingTerm', 'the virtual IP is free', [
    // Before the term is persisted: what is told to contacts is on disk before the failover goes on.
    ...(state.cause === 'failover' || state.cause === 'coldStart'
      ? [record('failoverStarted', state.why)]
      : []),
    persist(reserved.shared, now, { term }),
  ])
}

/** Promoting may have taken long: the evidence that we are not isolated must still be fresh. */
export function raise(state: Claiming, now: number, settings: CoreSettings): Decision {
  const { timing } = settings
  const needsEvidence = !state.forced && state.cause !== 'firstPairing'
  if (needsEvidence && now - lastEvidence(state.shared) >= timing.isolationMs)
    return giveUp(
      state,
      now,
      'no sign of the network since the claim began: this server may be the isolated one',
      timing,
      now + 1000,
    )
  const leaseMs = needsWitness(state, now, settings)
    ? witnessedLeaseMs(state.shared, now, timing)
    : timing.leaseMs
  if (leaseMs === 0)
    return giveUp(state, now, 'the witness no longer keeps the role for this server', timing, now)
  return next(state, now, 'raisingVirtualIp', 'the virtual IP is free', [
    { type: 'raiseVirtualIp', leaseMs },
  ])
}
