import {
  enter,
  peerHeard,
  stay,
  withShared,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import type { EventOf } from '../event.ts'
import { automaticProblem } from '../modes.ts'
import type { StateOf } from '../state.ts'
import { inMaintenance } from './begin-claim.ts'
import { answer, commonCells, keep, letGo, toFault } from './common.ts'
import {
  holderClaim,
  holderHeartbeat,
  holderMissing,
  holderUpkeep,
  leaseOutcome,
  lostRight,
  recheck,
} from './holding.ts'

type Active = StateOf<'active'>

/** Serves, holds the virtual IP as a lease, and renews it only while it is entitled to. */
export const active: Row<'active'> = {
  ...commonCells('active'),
  tick: {
    to: ['active', 'rechecking', 'handingOver', 'fault'],
    does: 'renews the lease while entitled; lets go when isolated, without carrier or stopped too long; offers the role when unfit and the standby is fit',
    decide: activeTick,
  },
  heartbeat: {
    to: ['active', 'standby', 'suspect'],
    does: 'yields to an active peer with a higher term, or with an equal one when the peer is the primary; corrects one with a lower term, and yields to it too when it does not hear',
    decide: (state, event, { timing }) => holderHeartbeat(state, event, timing, []),
  },
  observed: {
    to: ['active', 'rechecking'],
    does: 'lets go when the carrier is lost',
    decide: (state, event, settings) => {
      const reason = lostRight(state, event.now, settings)
      return reason === null ? stay(state, 'takes note') : recheck(state, event.now, reason, [])
    },
  },
  claimHeard: {
    to: ['active', 'standby', 'suspect'],
    does: 'yields to a higher term; answers a lower one with a heartbeat',
    decide: (state, event, settings) => holderClaim(state, event, settings, []),
  },
  takeOverRequested: {
    to: ['active'],
    does: 'is done: this server is active',
    decide: (state, event) => {
      const reason = 'this server is active already'
      return stay(state, reason, [answer(event.requestId, 'done', reason)])
    },
  },
  handOverRequested: {
    to: ['active', 'handingOver'],
    does: 'prepares: locks writes and makes the final position; refuses a term that is not higher',
    decide: beginHandOver,
  },
  releaseRequested: {
    to: ['active'],
    does: 'refuses: nothing was prepared, or the preparation ran out of time',
    decide: (state, { requestId }) => {
      const reason = 'no hand-over is prepared; the deadline may have passed'
      return stay(state, reason, [{ type: 'refuseRequest', requestId, reason }])
    },
  },
  virtualIpProbed: keep('active', 'the answer comes too late to matter'),
  witnessAnswered: {
    to: ['active'],
    does: 'takes note: with the role at the witness it needs no peer to go on serving',
    decide: (state) => stay(state, 'takes note'),
  },
  referencesChecked: {
    to: ['active'],
    does: 'takes note: evidence that this server is not isolated',
    decide: (state, event) =>
      stay(event.reachable ? { ...state, forced: false } : state, 'takes note'),
  },
  effectDone: {
    to: ['active'],
    does: 'takes note of the renewed lease',
    decide: (state, event, { timing }) =>
      leaseOutcome(state, event, timing) ?? stay(state, `${event.effect} is done`),
  },
  effectFailed: {
    to: ['active'],
    does: 'renews again at the next tick; tries again to promote and to persist',
    decide: activeFailed,
  },
  virtualIpMissing: {
    to: ['active'],
    does: 'announces the address that was put back, with an alarm',
    decide: (state) => holderMissing(state),
  },
  shutdownRequested: {
    to: ['handingOver', 'fault'],
    does: 'offers the role to a fit standby, else lets go and stops',
    decide: (state, event, settings) =>
      canOffer(state, event.now, settings)
        ? offer(state, event.now, 'the agent is being stopped', true)
        : toFault(state, event.now, 'stopping', 'the agent is being stopped', settings.timing, [
            { type: 'dropVirtualIp' },
            { type: 'sendHeartbeat' },
          ]),
  },
}

function activeTick(before: Active, { now }: EventOf<'tick'>, settings: CoreSettings): Decision {
  const lost = lostRight(before, now, settings)
  if (lost !== null) return recheck(before, now, lost, [])
  const unfit = unfitTick(before, now, settings)
  if (unfit !== null) return unfit
  const { state, effects } = holderUpkeep(before, now, settings)
  return stay(state, 'serves', effects)
}

/** An active that cannot serve, while the standby can, hands over; without its database it can only let go. */
function unfitTick(state: Active, now: number, settings: CoreSettings): Decision | null {
  const { unfitMs } = settings.timing
  const { unhealthySince, cutOffSince, own } = state.shared
  const unfitSince = Math.min(unhealthySince ?? Infinity, cutOffSince ?? Infinity)
  if (now - Math.max(unfitSince, state.since) < unfitMs) return null
  if (!canOffer(state, now, settings)) return null
  if (own.databaseUp) {
    const reason =
      unhealthySince === null
        ? 'no reference address answers here, but one answers at the peer'
        : own.diskWritable
          ? 'the telephony service is unhealthy here, and the standby is healthy'
          : 'the disk of this server cannot be written to, and the standby is healthy'
    return offer(state, now, reason, false)
  }
  const reason = 'the database does not answer here, and the standby is healthy'
  return toFault(state, now, 'unhealthy', reason, settings.timing, letGo(reason))
}

function canOffer(state: Active, now: number, { timing }: CoreSettings): boolean {
  const { shared } = state
  const { report } = shared.peer
  if (report === null || !peerHeard(shared, now, timing)) return false
  if (inMaintenance(shared) || automaticProblem(shared.modes) !== null) return false
  return report.state === 'standby' && report.healthy && report.dataInSync
}

function offer(state: Active, now: number, reason: string, stopping: boolean): Decision {
  return enter(
    state,
    now,
    {
      name: 'handingOver',
      step: 'offering',
      newTerm: 0,
      requestId: null,
      stepSince: now,
      stopping,
      ...leaseOf(state),
    },
    reason,
    [{ type: 'sendHeartbeat' }],
  )
}

function beginHandOver(state: Active, event: EventOf<'handOverRequested'>): Decision {
  const { requestId, newTerm, now } = event
  if (newTerm <= state.shared.term) {
    const reason = `the new term ${newTerm} is not above the term ${state.shared.term} of this server`
    return stay(state, reason, [{ type: 'refuseRequest', requestId, reason }])
  }
  return enter(
    state,
    now,
    {
      name: 'handingOver',
      step: 'preparing',
      newTerm,
      requestId,
      stepSince: now,
      stopping: false,
      ...leaseOf(state),
    },
    'the peer takes over as planned',
    [{ type: 'prepareHandOver', requestId }],
  )
}

function leaseOf({
  renewedAt,
  securedAt,
  forced,
  announcements,
  announcedAt,
  renewFailingSince,
}: Active) {
  return { renewedAt, securedAt, forced, announcements, announcedAt, renewFailingSince }
}

function activeFailed(
  state: Active,
  event: EventOf<'effectFailed'>,
  { timing }: CoreSettings,
): Decision {
  const lease = leaseOutcome(state, event, timing)
  if (lease !== null) return lease
  const reason = `${event.effect} failed: ${event.reason}`
  if (event.effect === 'persist' || event.effect === 'promoteData')
    return stay(withShared(state, retryOf(state, event, timing)), reason)
  return stay(state, reason)
}

function retryOf(state: Active, event: EventOf<'effectFailed'>, timing: CoreSettings['timing']) {
  const effect = event.effect === 'persist' ? 'persist' : 'promoteData'
  const others = state.shared.retries.filter((retry) => retry.effect !== effect)
  return { retries: [...others, { effect, at: event.now + timing.retryMs } as const] }
}
