import {
  enter,
  peerActive,
  persist,
  record,
  silentMs,
  stay,
  withShared,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import type { Effect } from '../effect.ts'
import type { EventOf } from '../event.ts'
import type { StateOf, TakeOverStep } from '../state.ts'
import { becomeActive } from './become-active.ts'
import {
  answer,
  commonCells,
  followActive,
  keep,
  letGo,
  refusalCells,
  refuseTakeOver,
  stepBack,
  toFault,
  tryAgain,
} from './common.ts'

type TakingOver = StateOf<'takingOver'>

/** A planned take-over: the active prepares, we apply its last change, it lets go, we begin. */
export const takingOver: Row<'takingOver'> = {
  ...commonCells('takingOver'),
  ...refusalCells('takingOver'),
  tick: {
    to: ['takingOver', 'standby', 'suspect'],
    does: 'rolls back when the active fell silent, or after an own stall',
    decide: takeOverTick,
  },
  heartbeat: {
    to: ['takingOver', 'standby'],
    does: 'gives up when the peer is active although it had let go',
    decide: (state, event) =>
      hasReleased(state) && peerActive(state.shared) && event.report.term > state.newTerm - 2
        ? resumed(state, event)
        : stay(state, `the peer is ${event.report.state}`),
  },
  claimHeard: {
    to: ['takingOver', 'standby', 'suspect'],
    does: 'gives up before a higher term',
    decide: (state, event, { timing }) =>
      event.term > state.newTerm
        ? rollBack(state, event.now, `the peer claims with term ${event.term}`, timing)
        : stay(state, 'the claim of the peer has a lower term'),
  },
  takeOverRequested: {
    to: ['takingOver'],
    does: 'refuses: a take-over is under way',
    decide: (state, event) => refuseTakeOver(state, event, 'a take-over is under way already'),
  },
  virtualIpProbed: keep('takingOver', 'did not ask: the holder itself lets go'),
  referencesChecked: keep('takingOver', 'takes note'),
  witnessAnswered: keep('takingOver', 'takes note'),
  effectDone: {
    to: ['takingOver', 'active', 'claiming'],
    does: 'goes on: prepared, applied, term persisted, released, promoted and role persisted, raised',
    decide: takeOverDone,
  },
  effectFailed: {
    to: ['takingOver', 'standby', 'suspect', 'fault'],
    does: 'rolls back: the active goes on; after its release, this server is at fault and the peer resumes',
    decide: takeOverFailed,
  },
  shutdownRequested: {
    to: ['fault'],
    does: 'rolls back and stops',
    decide: (state, event, { timing }) =>
      toFault(state, event.now, 'stopping', 'the agent is being stopped', timing, [
        ...rollBackEffects(state, event.now, 'the agent is being stopped'),
        { type: 'sendHeartbeat' },
      ]),
  },
}

const STEPS: readonly TakeOverStep[] = [
  'preparing',
  'draining',
  'persistingTerm',
  'releasing',
  'promoting',
  'persistingRole',
  'raisingVirtualIp',
]

function isAtLeast(state: TakingOver, step: TakeOverStep): boolean {
  return STEPS.indexOf(state.step) >= STEPS.indexOf(step)
}

function hasReleased(state: TakingOver): boolean {
  return isAtLeast(state, 'promoting')
}

function takeOverTick(
  state: TakingOver,
  event: EventOf<'tick'>,
  { timing }: CoreSettings,
): Decision {
  const { now } = event
  if (event.stalledMs > timing.stallMs)
    return rollBack(
      state,
      now,
      `this server was stopped for ${Math.round(event.stalledMs)} ms`,
      timing,
    )
  if (!hasReleased(state) && silentMs(state.shared, now) >= timing.deadMs)
    return rollBack(state, now, 'the active server fell silent', timing)
  return stay(state, `take-over: ${state.step}`)
}

function takeOverDone(
  state: TakingOver,
  event: EventOf<'effectDone'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  const { now } = event
  const { requestId, newTerm } = state
  if (event.visit !== state.shared.visit) return stay(state, 'an earlier effect is done')
  const step = `${state.step} ${event.effect}`
  if (step === 'preparing askHandOver')
    return next(state, now, 'draining', [{ type: 'applyFinal', requestId }])
  if (step === 'draining applyFinal')
    return next(withShared(state, { reservedTerm: newTerm }), now, 'persistingTerm', [
      persist(state.shared, now, { term: newTerm }),
    ])
  if (step === 'persistingTerm persist')
    return next(state, now, 'releasing', [{ type: 'askRelease', requestId, newTerm }])
  if (step === 'releasing askRelease') return promote(state, now)
  if (step === 'promoting persist')
    return stay({ ...state, rolePersisted: true }, 'the role is persisted')
  if (step === 'promoting promoteData')
    return state.rolePersisted ? raise(state, now, timing) : next(state, now, 'persistingRole', [])
  if (step === 'persistingRole persist') return raise(state, now, timing)
  if (step === 'raisingVirtualIp raiseVirtualIp')
    return becomeActive(
      state,
      now,
      {
        raisedAt: state.stepSince,
        forced: false,
        kind: 'takeOverDone',
        reason: state.offered ? 'the active server handed over' : 'asked for by the administrator',
        requestId: state.offered ? null : requestId,
        isRoleChange: state.offered,
      },
      settings,
    )
  return stay(state, `${event.effect} is done`)
}

/** From here on nobody holds the address, so whatever can be done at the same time is. */
function promote(state: TakingOver, now: number): Decision {
  const { newTerm } = state
  const shared = {
    ...state.shared,
    term: newTerm,
    seenTerm: Math.max(state.shared.seenTerm, newTerm),
  }
  return next({ ...state, shared }, now, 'promoting', [
    { type: 'promoteData', term: newTerm },
    persist(shared, now, { wasActive: true }),
    { type: 'startService' },
  ])
}

/** The holder said that it let go, so the address is not probed, unless so much time has passed that it may have resumed. */
function raise(state: TakingOver, now: number, timing: CoreSettings['timing']): Decision {
  if (silentMs(state.shared, now) < timing.warnMs)
    return next(state, now, 'raisingVirtualIp', [
      { type: 'raiseVirtualIp', leaseMs: timing.leaseMs },
    ])
  const why = 'the peer fell silent after it had let go'
  return enter(
    state,
    now,
    {
      name: 'claiming',
      step: 'confirmingVirtualIp',
      forced: false,
      cause: 'request',
      requestId: state.offered ? null : state.requestId,
      stepSince: now,
      why,
      probeAt: null,
    },
    why,
    [{ type: 'probeVirtualIp' }],
  )
}

function takeOverFailed(
  state: TakingOver,
  event: EventOf<'effectFailed'>,
  { timing }: CoreSettings,
): Decision {
  const { now } = event
  const reason = `${event.effect} failed: ${event.reason}`
  if (event.visit !== state.shared.visit) return tryAgain(state, event, timing)
  if (event.effect === 'startService')
    return stay(state, reason, [record('serviceUnhealthy', reason)])
  if (!AWAITED.includes(event.effect)) return stay(state, reason)
  if (!hasReleased(state)) return rollBack(state, now, reason, timing)
  return toFault(state, now, 'failed', reason, timing, [
    ...rollBackEffects(state, now, reason),
    { type: 'sendHeartbeat' },
  ])
}

const AWAITED: readonly string[] = [
  'askHandOver',
  'applyFinal',
  'askRelease',
  'persist',
  'promoteData',
  'raiseVirtualIp',
]

function resumed(state: TakingOver, event: EventOf<'heartbeat'>): Decision {
  const reason = 'the active server serves again'
  return followActive(state, event.now, reason, rollBackEffects(state, event.now, reason))
}

function next(
  state: TakingOver,
  now: number,
  step: TakeOverStep,
  effects: readonly Effect[],
): Decision {
  return { state: { ...state, step, stepSince: now }, effects, reason: `take-over: ${step}` }
}

function rollBack(
  state: TakingOver,
  now: number,
  reason: string,
  timing: CoreSettings['timing'],
): Decision {
  return stepBack(state, now, reason, timing, rollBackEffects(state, now, reason))
}

function rollBackEffects(state: TakingOver, now: number, reason: string): readonly Effect[] {
  const { requestId } = state
  return [
    ...(isAtLeast(state, 'promoting') ? letGo(`the take-over was rolled back: ${reason}`) : []),
    ...(isAtLeast(state, 'promoting') ? [persist(state.shared, now)] : []),
    { type: 'abortHandOver', requestId, reason },
    ...(state.offered ? [] : [answer(requestId, 'rolledBack', reason)]),
    record('takeOverRolledBack', reason),
  ]
}
