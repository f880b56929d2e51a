import {
  peerActive,
  peerHeard,
  persist,
  record,
  servesUnheard,
  silentMs,
  stay,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import type { Effect } from '../effect.ts'
import { claimTurn } from '../election.ts'
import type { EventOf } from '../event.ts'
import type { EventKind } from '../event-kinds.ts'
import type { ClaimCause } from '../state.ts'
import type { Timing } from '../timing.ts'
import { abortEffects, giveUp, next, refuse, STILL_SERVES, type Claiming } from './claim-steps.ts'
import { becomeActive } from './become-active.ts'
import {
  askWitness,
  claimProbed,
  claimWitnessed,
  isFree,
  persistTerm,
  raise,
} from './claim-address.ts'
import {
  askReferences,
  commonCells,
  followActive,
  refusalCells,
  refuseTakeOver,
  toFault,
  tryAgain,
} from './common.ts'

/** The guards of a take-over, one after the other; each step waits for the outcome of the one before. */
export const claiming: Row<'claiming'> = {
  ...commonCells('claiming'),
  ...refusalCells('claiming'),
  tick: {
    to: ['claiming', 'standby', 'suspect'],
    does: 'asks again while the address is still held; promotes when nobody objected to the claim; gives up after an own stall or without carrier',
    decide: claimTick,
  },
  heartbeat: {
    to: ['claiming', 'standby'],
    does: 'gives up when the peer is active, or claims with a higher term',
    decide: (state, event, { timing }) => {
      if (peerActive(state.shared))
        return followActive(
          state,
          event.now,
          'the peer is active',
          abortEffects(state, event.now, 'the peer is active'),
        )
      const rival = event.report.state === 'claiming' && event.report.term > state.shared.term
      return rival
        ? giveUp(state, event.now, 'the peer claims with a higher term', timing)
        : stay(state, `the peer is ${event.report.state}`)
    },
  },
  observed: {
    to: ['claiming', 'standby', 'suspect'],
    does: 'gives up when the carrier is lost',
    decide: (state, event, { timing }) =>
      state.shared.own.carrierUp
        ? stay(state, 'takes note')
        : giveUp(state, event.now, 'the network cable of this server is not connected', timing),
  },
  peerAnswered: {
    to: ['claiming', 'standby', 'suspect'],
    does: 'gives up when the peer serves all the same, or claims with a higher term',
    decide: claimAnswered,
  },
  claimHeard: {
    to: ['claiming', 'standby', 'suspect'],
    does: 'gives up before a higher term',
    decide: (state, event, { timing }) =>
      event.term > state.shared.term
        ? giveUp(state, event.now, `the peer claims with term ${event.term}`, timing)
        : stay(state, 'the claim of the peer has a lower term'),
  },
  takeOverRequested: {
    to: ['claiming'],
    does: 'makes an automatic claim the one that was asked for; when forced, without the guards that are still open',
    decide: (state, event) => joinClaim(state, event),
  },
  virtualIpProbed: {
    to: ['claiming', 'standby', 'suspect'],
    does: 'goes on when the address is free; waits while the peer holds it, until its lease must have ended; never takes it from a stranger',
    decide: claimProbed,
  },
  referencesChecked: {
    to: ['claiming', 'standby', 'suspect'],
    does: 'goes on when a reference answered after the peer fell silent; else this server is the isolated one',
    decide: claimReferences,
  },
  witnessAnswered: {
    to: ['claiming', 'standby', 'suspect'],
    does: 'goes on with the role granted; waits while the peer holds it; gives up when the witness does not answer',
    decide: claimWitnessed,
  },
  effectDone: {
    to: ['claiming', 'active'],
    does: 'goes on: term persisted, data promoted, role persisted, address raised',
    decide: claimDone,
  },
  effectFailed: {
    to: ['claiming', 'standby', 'suspect', 'fault'],
    does: 'gives up when a step failed',
    decide: claimFailed,
  },
  shutdownRequested: {
    to: ['fault'],
    does: 'gives up and stops',
    decide: (state, event, { timing }) =>
      toFault(state, event.now, 'stopping', 'the agent is being stopped', timing, [
        ...abortEffects(state, event.now, 'the agent is being stopped'),
        { type: 'sendHeartbeat' },
      ]),
  },
}

function claimTick(before: Claiming, event: EventOf<'tick'>, settings: CoreSettings): Decision {
  const { timing } = settings
  const { now } = event
  // Promoting may take long, and the sign of the network must be fresh when the address is raised.
  const asked = askReferences(before.shared, now, timing)
  const state = { ...before, shared: asked.shared }
  const stepMs = now - state.stepSince
  if (event.stalledMs > timing.stallMs)
    return giveUp(
      state,
      now,
      `this server was stopped for ${Math.round(event.stalledMs)} ms`,
      timing,
      now,
    )
  if (state.step === 'claiming' && stepMs >= objectionWaitMs(state, now, timing))
    return next(state, now, 'promoting', 'nobody objected to the claim', [
      ...asked.effects,
      { type: 'promoteData', term: state.shared.term },
    ])
  if (state.probeAt !== null && now >= state.probeAt)
    return stay({ ...state, probeAt: null }, state.why, [
      ...asked.effects,
      { type: state.step === 'askingWitness' ? 'askWitness' : 'probeVirtualIp' },
    ])
  return stay(state, state.why, [...asked.effects, ...claimAgain(state)])
}

/** A claim may be lost on its way, or come late: the peer that serves must hear it before this server goes on. */
function claimAgain({ step, shared }: Claiming): readonly Effect[] {
  return step === 'claiming' ? [{ type: 'sendClaim', term: shared.term }] : []
}

/**
 * A claim long after the peer fell silent comes from a retry, or from something that was mended, which may set off both
 * servers at a time. Where they cannot hear each other's claim they take turns: the later one finds the address held.
 */
function objectionWaitMs({ cause, forced, shared }: Claiming, now: number, timing: Timing): number {
  const isLate = cause === 'failover' && !forced && silentMs(shared, now) > 2 * timing.deadMs
  return timing.claimWaitMs + (isLate ? claimTurn(shared) * timing.claimTurnMs : 0)
}

/** Heartbeats, claims and answers for the address may be lost one by one; this is a way of its own. */
function claimAnswered(
  state: Claiming,
  event: EventOf<'peerAnswered'>,
  { timing }: CoreSettings,
): Decision {
  const { shared } = state
  if (event.state === 'claiming' && event.term > shared.term)
    return giveUp(state, event.now, `the peer claims with term ${event.term}`, timing)
  if (!servesUnheard(shared, event, timing)) return stay(state, `the peer is ${event.state}`)
  return refuse(state, event.now, 'answered', 'splitPrevented', STILL_SERVES, timing)
}

/** The administrator's wish meets a claim that has begun by itself. */
function joinClaim(state: Claiming, event: EventOf<'takeOverRequested'>): Decision {
  if (state.requestId !== null)
    return refuseTakeOver(state, event, 'a take-over is under way already')
  const joined: Claiming = { ...state, requestId: event.requestId }
  if (!event.force) return stay(joined, 'asked for by the administrator')
  const forced: Claiming = { ...joined, forced: true, why: 'forced by the administrator' }
  return state.step === 'checkingReferences'
    ? next(forced, event.now, 'probingVirtualIp', forced.why, [{ type: 'probeVirtualIp' }])
    : stay(forced, forced.why)
}

function claimReferences(
  state: Claiming,
  event: EventOf<'referencesChecked'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  if (state.step !== 'checkingReferences') return stay(state, 'takes note')
  const { referenceAnsweredAt } = state.shared.own
  const after = referenceAnsweredAt !== null && referenceAnsweredAt >= state.shared.peer.silenceFrom
  if (
    event.reachable &&
    after &&
    state.shared.peer.heldAt === null &&
    isFree(state, event.now, timing)
  )
    return askWitness(state, event.now, settings)
  if (event.reachable && after)
    return next(state, event.now, 'probingVirtualIp', 'a reference address answers', [
      { type: 'probeVirtualIp' },
    ])
  if (event.askedAt < state.stepSince) return stay(state, 'an older question was answered')
  const reason = 'no reference address answers: this server may be the isolated one'
  return refuse(state, event.now, 'isolated', 'splitPrevented', reason, timing)
}

function claimDone(
  state: Claiming,
  event: EventOf<'effectDone'>,
  settings: CoreSettings,
): Decision {
  const { now } = event
  if (event.visit !== state.shared.visit) return stay(state, 'an earlier effect is done')
  if (state.step === 'persistingTerm' && event.effect === 'persist' && event.term !== undefined)
    return persisted(state, now, event.term)
  if (state.step === 'promoting' && event.effect === 'promoteData')
    return next(state, now, 'persistingRole', 'the data is promoted', [
      persist(state.shared, now, { wasActive: true }),
      { type: 'startService' },
    ])
  if (
    state.step === 'persistingRole' &&
    event.effect === 'persist' &&
    isFree(state, now, settings.timing)
  )
    return raise(state, now, settings)
  if (state.step === 'persistingRole' && event.effect === 'persist')
    return next(state, now, 'confirmingVirtualIp', 'the role is persisted', [
      { type: 'checkReferences' },
      { type: 'probeVirtualIp' },
    ])
  if (state.step === 'raisingVirtualIp' && event.effect === 'raiseVirtualIp')
    return becomeActive(
      state,
      now,
      {
        raisedAt: state.stepSince,
        forced: state.forced && !peerHeard(state.shared, now, settings.timing),
        kind: state.requestId === null ? KINDS[state.cause] : 'takeOverDone',
        reason: state.why,
        requestId: state.requestId,
        isRoleChange: AUTOMATIC.includes(state.cause) && !state.shared.wasActive,
      },
      settings,
    )
  return stay(state, `${event.effect} is done`)
}

const AUTOMATIC: readonly ClaimCause[] = ['failover', 'coldStart', 'election']

const KINDS: Readonly<Record<ClaimCause, EventKind>> = {
  failover: 'failoverDone',
  coldStart: 'becameActive',
  election: 'becameActive',
  resume: 'becameActive',
  firstPairing: 'becameActive',
  request: 'takeOverDone',
}

function persisted(state: Claiming, now: number, term: number): Decision {
  // Somebody may have been heard with a higher term while the disk was slow.
  if (term < state.shared.seenTerm)
    return persistTerm({ ...state, shared: { ...state.shared, term } }, now)
  const seenTerm = Math.max(state.shared.seenTerm, term)
  // Only what is found out after the claim was sent says that nobody else raised the address because of it.
  const shared = { ...state.shared, term, seenTerm, virtualIpFreeAt: null }
  return next({ ...state, shared }, now, 'claiming', `term ${term} is persisted`, [
    { type: 'sendClaim', term },
    { type: 'sendHeartbeat' },
    { type: 'probeVirtualIp' },
  ])
}

function claimFailed(
  state: Claiming,
  event: EventOf<'effectFailed'>,
  { timing }: CoreSettings,
): Decision {
  const reason = `${event.effect} failed: ${event.reason}`
  if (event.visit !== state.shared.visit) return tryAgain(state, event, timing)
  if (event.effect === 'startService')
    return stay(state, reason, [record('serviceUnhealthy', reason)])
  const isAwaitedAnswer = event.effect === 'checkReferences' && state.step === 'checkingReferences'
  if (event.effect === 'probeVirtualIp' || isAwaitedAnswer)
    return giveUp(state, event.now, reason, timing, event.now + 1000)
  if (!AWAITED.includes(event.effect)) return stay(state, reason)
  const kind = event.effect === 'raiseVirtualIp' ? 'virtualIpFailed' : 'takeOverRefused'
  return toFault(state, event.now, 'failed', reason, timing, [
    ...abortEffects(state, event.now, reason),
    { type: 'sendHeartbeat' },
    record(kind, reason),
  ])
}

const AWAITED: readonly string[] = ['persist', 'promoteData', 'raiseVirtualIp']
