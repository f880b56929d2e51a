import {
  alarmOnce,
  enter,
  peerHeard,
  persist,
  type CoreSettings,
  type Decision,
} from '../decision.ts'
import type { Effect } from '../effect.ts'
import type { EventKind } from '../event-kinds.ts'
import type { Alarm, ClaimStep, StateOf } from '../state.ts'
import { answer, letGo } from './common.ts'

/** A server on its way to the active role without the help of the peer. */
export type Claiming = StateOf<'claiming'>

/** In this order. */
const CLAIM_STEPS: readonly ClaimStep[] = [
  'checkingReferences',
  'probingVirtualIp',
  'askingWitness',
  'persistingTerm',
  'claiming',
  'promoting',
  'persistingRole',
  'confirmingVirtualIp',
  'raisingVirtualIp',
]

export const STILL_SERVES =
  'heartbeats are lost, but the active server still serves: look for a firewall between the servers'

/** Goes on with the next guard; the step begins now. */
export function next(
  state: Claiming,
  now: number,
  step: ClaimStep,
  reason: string,
  effects: readonly Effect[],
): Decision {
  return { state: { ...state, step, stepSince: now, probeAt: null }, effects, reason }
}

/** Gives up with an alarm that is raised once while its cause lasts. */
export function refuse(
  state: Claiming,
  now: number,
  alarm: Alarm,
  kind: EventKind,
  reason: string,
  timing: CoreSettings['timing'],
): Decision {
  const raised = alarmOnce(state.shared, alarm, kind, reason)
  const pauseMs = alarm === 'answered' ? 3000 : 1000
  const given = giveUp({ ...state, shared: raised.shared }, now, reason, timing, now + pauseMs)
  return { ...given, effects: [...given.effects, ...raised.effects] }
}

/** Ends the claim and waits, at `retryAt` at the earliest, for the next one. */
export function giveUp(
  state: Claiming,
  now: number,
  reason: string,
  timing: CoreSettings['timing'],
  retryAt = now + timing.retryMs,
): Decision {
  const heard = peerHeard(state.shared, now, timing)
  const effects = abortEffects(state, now, reason)
  return enter(state, now, { name: heard ? 'standby' : 'suspect', retryAt }, reason, effects)
}

/** What has to be taken back, by how far the claim had come. */
export function abortEffects(state: Claiming, now: number, reason: string): readonly Effect[] {
  const at = CLAIM_STEPS.indexOf(state.step)
  // One that resumes has not locked its data since it was active.
  const promoted = at >= CLAIM_STEPS.indexOf('promoting') || state.cause === 'resume'
  const rolePersisted = at >= CLAIM_STEPS.indexOf('persistingRole')
  return [
    ...(promoted ? letGo(`the claim was given up: ${reason}`) : []),
    ...(rolePersisted ? [persist(state.shared, now)] : []),
    ...(state.requestId === null ? [] : [answer(state.requestId, 'refused', reason)]),
  ]
}
