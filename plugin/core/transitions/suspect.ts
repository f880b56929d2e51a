import {
  alarmOnce,
  enter,
  peerActive,
  silentMs,
  stay,
  withShared,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import type { Effect } from '../effect.ts'
import { claimTurn } from '../election.ts'
import type { EventOf } from '../event.ts'
import type { ClaimCause, StateOf } from '../state.ts'
import type { Timing } from '../timing.ts'
import { beginClaim, claimProblem } from './begin-claim.ts'
import {
  commonCells,
  followActive,
  keep,
  outcomeCells,
  refusalCells,
  toFault,
  upkeep,
} from './common.ts'
import { requestTakeOver } from './request-take-over.ts'

/** The peer is silent: warns, and claims when the dead time is over and all guards pass. */
export const suspect: Row<'suspect'> = {
  ...commonCells('suspect'),
  ...refusalCells('suspect'),
  ...outcomeCells('suspect'),
  tick: {
    to: ['suspect', 'claiming'],
    does: 'claims once the peer was silent for the dead time and the first guard passes; asks for the address shortly before',
    decide: suspectTick,
  },
  heartbeat: {
    to: ['standby'],
    does: 'the peer is there again',
    decide: (state, event) => {
      const gap = `the peer is heard again and is ${event.report.state}`
      if (peerActive(state.shared)) return followActive(state, event.now, gap)
      return enter(state, event.now, { name: 'standby', retryAt: state.retryAt }, gap)
    },
  },
  claimHeard: keep('suspect', 'takes note: the peer is alive and becomes active'),
  takeOverRequested: {
    to: ['suspect', 'takingOver', 'claiming'],
    does: 'claims when forced; refuses else, since it is not known whether the peer serves',
    decide: (state, event, settings) => requestTakeOver(state, event, settings),
  },
  referencesChecked: keep('suspect', 'takes note'),
  witnessAnswered: keep('suspect', 'takes note'),
  shutdownRequested: {
    to: ['fault'],
    does: 'stops',
    decide: (state, event, { timing }) =>
      toFault(state, event.now, 'stopping', 'the agent is being stopped', timing, [
        { type: 'sendHeartbeat' },
      ]),
  },
}

function suspectTick(
  before: StateOf<'suspect'>,
  { now }: EventOf<'tick'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  const kept = upkeep(before.shared, now, timing)
  const state = withShared(before, kept.shared)
  const silent = Math.round(silentMs(state.shared, now))
  if (silent < timing.deadMs) return askEarly(state, now, kept.effects, settings)
  const lost = alarmOnce(state.shared, 'peerLost', 'peerLost', `no heartbeat for ${silent} ms`)
  const alarmed = withShared(state, lost.shared)
  const effects = [...kept.effects, ...lost.effects]
  if (now < state.retryAt) return stay(alarmed, `no heartbeat for ${silent} ms`, effects)
  const cause = causeOf(state)
  const problem = claimProblem(state.shared, cause, settings)
  const isolated = isolation(state, now, timing)
  if (problem === null && isolated !== null) {
    if (state.shared.reachableSince !== null) return stay(alarmed, isolated, effects)
    const alarm = alarmOnce(alarmed.shared, 'isolated', 'splitPrevented', isolated)
    return stay(withShared(alarmed, alarm.shared), isolated, [...effects, ...alarm.effects])
  }
  if (problem === null) {
    const why = `no heartbeat for ${silent} ms`
    const claim = beginClaim(alarmed, now, { cause, why }, settings)
    return { ...claim, effects: [...effects, ...claim.effects] }
  }
  const reason = `the peer is silent, but this server does not take over: ${problem}`
  const alarm = alarmOnce(alarmed.shared, 'blocked', 'takeOverRefused', reason)
  return stay(withShared(alarmed, alarm.shared), reason, [...effects, ...alarm.effects])
}

/** A claim that is likely finds the answer there: nobody waits for it while nobody serves. */
function askEarly(
  state: StateOf<'suspect'>,
  now: number,
  effects: readonly Effect[],
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  const silent = Math.round(silentMs(state.shared, now))
  const why = `no heartbeat for ${silent} ms`
  const soon = silent >= timing.deadMs - timing.claimLeadMs && now >= state.retryAt
  if (!soon || state.shared.probedEarly) return stay(state, why, effects)
  const mayClaim =
    claimProblem(state.shared, causeOf(state), settings) === null &&
    isolation(state, now, timing) === null
  if (!mayClaim) return stay(state, why, effects)
  const asked = withShared(state, { probedEarly: true })
  return stay(asked, why, [...effects, { type: 'probeVirtualIp' }])
}

function causeOf({ shared }: StateOf<'suspect'>): ClaimCause {
  return shared.peer.heardAt === null ? 'coldStart' : 'failover'
}

/** Once it is connected again, a server listens this many intervals before it believes the silence. */
const LISTEN_INTERVALS = 4

/** Guard 2, as far as the questions of the ticks have answered it already; the claim asks once more. */
function isolation({ shared }: StateOf<'suspect'>, now: number, timing: Timing): string | null {
  const { reachableSince, own } = shared
  const answeredAt = own.referenceAnsweredAt ?? -Infinity
  if (reachableSince === null || answeredAt < shared.peer.silenceFrom)
    return 'no reference address has answered since the peer fell silent: this server may be the isolated one'
  const listenMs = LISTEN_INTERVALS * timing.intervalMs + claimTurn(shared) * timing.claimTurnMs
  return now - reachableSince < listenMs
    ? 'this server was isolated until a moment ago: listens for the peer'
    : null
}
