import { enter, stay, type CoreSettings, type Decision, type Row } from '../decision.ts'
import type { Effect } from '../effect.ts'
import type { EventOf } from '../event.ts'
import type { StateOf } from '../state.ts'
import { commonCells, keep, refuseTakeOver, stepBack, toFault } from './common.ts'
import {
  holderClaim,
  holderHeartbeat,
  holderMissing,
  holderUpkeep,
  leaseOutcome,
  lostRight,
  recheck,
} from './holding.ts'

type HandingOver = StateOf<'handingOver'>

/** How long the active waits for the standby to accept an offer. */
const OFFER_MS = 10_000

/** Still serves, with writes locked, until the peer has everything; then lets go and says so. */
export const handingOver: Row<'handingOver'> = {
  ...commonCells('handingOver'),
  tick: {
    to: ['handingOver', 'active', 'rechecking', 'standby', 'suspect', 'fault'],
    does: 'keeps the lease; goes on as active when the peer does not complete in time',
    decide: handOverTick,
  },
  heartbeat: {
    to: ['handingOver', 'standby', 'suspect'],
    does: 'yields to an active peer with a better claim',
    decide: (state, event, { timing }) =>
      state.step === 'releasing'
        ? stay(state, 'lets go of the virtual IP')
        : holderHeartbeat(state, event, timing, undo(state, 'the peer is active')),
  },
  observed: {
    to: ['handingOver', 'rechecking'],
    does: 'lets go when the carrier is lost',
    decide: (state, event, settings) => {
      const reason = state.step === 'releasing' ? null : lostRight(state, event.now, settings)
      return reason === null
        ? stay(state, 'takes note')
        : recheck(state, event.now, reason, undo(state, reason))
    },
  },
  claimHeard: {
    to: ['handingOver', 'standby', 'suspect'],
    does: 'yields to a higher term',
    decide: (state, event, settings) =>
      state.step === 'releasing'
        ? stay(state, 'lets go of the virtual IP')
        : holderClaim(state, event, settings, undo(state, 'the peer claims')),
  },
  takeOverRequested: {
    to: ['handingOver'],
    does: 'refuses: the peer takes over',
    decide: (state, event) =>
      refuseTakeOver(state, event, 'this server is handing over to the peer'),
  },
  handOverRequested: {
    to: ['handingOver'],
    does: 'prepares when it was only offering; refuses a second request',
    decide: prepare,
  },
  releaseRequested: {
    to: ['handingOver'],
    does: 'drops the virtual IP when the hand-over is prepared under this request',
    decide: release,
  },
  handOverAborted: {
    to: ['handingOver', 'active', 'fault'],
    does: 'unlocks writes and goes on as active',
    decide: (state, event, settings) =>
      event.requestId === state.requestId && state.step !== 'releasing'
        ? goOn(state, event.now, `the peer gave up: ${event.reason}`, settings)
        : stay(state, 'another request was aborted'),
  },
  virtualIpProbed: keep('handingOver', 'the answer comes too late to matter'),
  referencesChecked: keep('handingOver', 'takes note'),
  witnessAnswered: keep('handingOver', 'takes note'),
  effectDone: {
    to: ['handingOver', 'standby', 'suspect', 'fault'],
    does: 'prepared: waits for the release; dropped: tells the peer and becomes standby',
    decide: handOverDone,
  },
  effectFailed: {
    to: ['handingOver', 'active', 'fault'],
    does: 'goes on as active when the preparation failed; waits for the lease to end when the address could not be dropped',
    decide: handOverFailed,
  },
  virtualIpMissing: {
    to: ['handingOver'],
    does: 'announces the address that was put back, with an alarm',
    decide: (state) => (state.step === 'releasing' ? stay(state, 'lets go') : holderMissing(state)),
  },
  shutdownRequested: {
    to: ['handingOver'],
    does: 'goes on handing over, then stops',
    decide: (state) => stay({ ...state, stopping: true }, 'stops after the hand-over'),
  },
}

function handOverTick(
  before: HandingOver,
  { now }: EventOf<'tick'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  if (before.step === 'releasing') {
    // An address that could not be dropped is gone by itself.
    const lapsed = now - before.renewedAt > timing.heldLimitMs
    return lapsed ? released(before, now, settings) : stay(before, 'lets go of the virtual IP')
  }
  const lost = lostRight(before, now, settings)
  if (lost !== null) return recheck(before, now, lost, undo(before, lost))
  const deadlineMs = before.step === 'offering' ? OFFER_MS : timing.handOverMs
  if (now - before.stepSince >= deadlineMs)
    return goOn(before, now, 'the peer did not complete the take-over in time', settings)
  const { state, effects } = holderUpkeep(before, now, settings)
  return stay(state, `hand-over: ${state.step}`, effects)
}

function prepare(state: HandingOver, event: EventOf<'handOverRequested'>): Decision {
  const { requestId, newTerm, now } = event
  if (requestId === state.requestId) return stay(state, 'the request is known')
  if (state.step !== 'offering' || newTerm <= state.shared.term) {
    const reason = 'another hand-over is under way, or the new term is not higher'
    return stay(state, reason, [{ type: 'refuseRequest', requestId, reason }])
  }
  return stay(
    { ...state, step: 'preparing', requestId, newTerm, stepSince: now },
    'the peer accepts the offer',
    [{ type: 'prepareHandOver', requestId }],
  )
}

function release(state: HandingOver, event: EventOf<'releaseRequested'>): Decision {
  const { requestId } = event
  const matches = requestId === state.requestId && event.newTerm === state.newTerm
  if (matches && state.step === 'prepared')
    return stay(
      { ...state, step: 'releasing', stepSince: event.now },
      'the peer has applied everything',
      [{ type: 'redirectChanges' }, { type: 'dropVirtualIp' }],
    )
  if (matches && state.step === 'releasing') return stay(state, 'lets go already')
  const reason = 'this hand-over is not prepared'
  return stay(state, reason, [{ type: 'refuseRequest', requestId, reason }])
}

function handOverDone(
  state: HandingOver,
  event: EventOf<'effectDone'>,
  settings: CoreSettings,
): Decision {
  const lease = leaseOutcome(state, event, settings.timing)
  if (lease !== null) return lease
  if (event.visit !== state.shared.visit) return stay(state, 'an earlier effect is done')
  if (state.step === 'preparing' && event.effect === 'prepareHandOver')
    return stay({ ...state, step: 'prepared', stepSince: event.now }, 'writes are locked')
  if (state.step === 'releasing' && event.effect === 'dropVirtualIp')
    return released(state, event.now, settings)
  return stay(state, `${event.effect} is done`)
}

/** The address is gone: only now may the peer take it. */
function released(state: HandingOver, now: number, { timing }: CoreSettings): Decision {
  const reason = 'handed over to the peer'
  const effects: Effect[] = [
    { type: 'confirmRelease', requestId: state.requestId ?? '' },
    { type: 'sendHeartbeat' },
    { type: 'stopService' },
    { type: 'demoteData', reason },
  ]
  return state.stopping
    ? toFault(state, now, 'stopping', reason, timing, effects)
    : stepBack(state, now, reason, timing, effects, {}, now)
}

function handOverFailed(
  state: HandingOver,
  event: EventOf<'effectFailed'>,
  settings: CoreSettings,
): Decision {
  const lease = leaseOutcome(state, event, settings.timing)
  if (lease !== null) return lease
  const reason = `${event.effect} failed: ${event.reason}`
  if (
    event.visit === state.shared.visit &&
    event.effect === 'prepareHandOver' &&
    state.step === 'preparing'
  )
    return goOn(state, event.now, reason, settings)
  return stay(state, reason)
}

function goOn(state: HandingOver, now: number, reason: string, { timing }: CoreSettings): Decision {
  const undone = undo(state, reason)
  if (state.stopping)
    return toFault(state, now, 'stopping', reason, timing, [
      { type: 'dropVirtualIp' },
      { type: 'sendHeartbeat' },
      ...undone,
    ])
  const { renewedAt, securedAt, forced, announcements, announcedAt, renewFailingSince } = state
  return enter(
    state,
    now,
    { name: 'active', renewedAt, securedAt, forced, announcements, announcedAt, renewFailingSince },
    reason,
    undone,
  )
}

/** Writes are unlocked again, and the waiting peer is told why. */
function undo(state: HandingOver, reason: string): readonly Effect[] {
  const { requestId, step } = state
  return step === 'offering' || requestId === null
    ? []
    : [{ type: 'undoHandOver', requestId, reason }]
}
