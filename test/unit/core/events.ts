import type { EffectType } from '../../../plugin/core/effect.ts'
import type { Event } from '../../../plugin/core/event.ts'
import type { PeerReport, StateName } from '../../../plugin/core/state.ts'
import { NOW, report } from './states.ts'

const EFFECTS: readonly EffectType[] = [
  'persist',
  'checkReferences',
  'probeVirtualIp',
  'raiseVirtualIp',
  'renewVirtualIp',
  'dropVirtualIp',
  'promoteData',
  'demoteData',
  'startService',
  'stopService',
  'prepareHandOver',
  'undoHandOver',
  'askHandOver',
  'applyFinal',
  'askRelease',
  'abortHandOver',
]

const PEER_STATES: readonly StateName[] = [
  'boot',
  'standby',
  'suspect',
  'claiming',
  'takingOver',
  'active',
  'handingOver',
  'rechecking',
  'fault',
]

/** Events of every type, in the variants that a decision can depend on. */
export function everyEvent(visit: number, now = NOW): Event[] {
  const outcome = { now, visit, decidedAt: now - 5, requestId: 'r1', term: 4 }
  const request = { now, requestId: 'r1', newTerm: 4 }
  return [
    ...[0, 3000, 20_000].map((stalledMs): Event => ({ type: 'tick', now, stalledMs })),
    ...PEER_STATES.flatMap((state) => heartbeats(now, state)),
    ...[true, false].flatMap((value): Event[] => [
      { type: 'observed', now, own: { carrierUp: value } },
      { type: 'observed', now, own: { databaseUp: value } },
      { type: 'observed', now, own: { dataInSync: value } },
      { type: 'observed', now, own: { serviceHealthy: value } },
      { type: 'observed', now, own: { diskWritable: value } },
      { type: 'observed', now, own: { holdsVirtualIp: value } },
      { type: 'takeOverRequested', now, requestId: 'r2', force: value },
      { type: 'referencesChecked', now, reachable: value, askedAt: now - 5 },
    ]),
    ...[true, false].map((startsPair): Event => ({ type: 'paired', now, startsPair })),
    { type: 'unpaired', now },
    ...[1, 3, 4, 9].map((term): Event => ({ type: 'claimHeard', now, term })),
    { type: 'handOverRequested', ...request },
    { type: 'handOverRequested', now, requestId: 'r3', newTerm: 2 },
    { type: 'releaseRequested', ...request },
    { type: 'releaseRequested', now, requestId: 'r3', newTerm: 4 },
    { type: 'peerAnswered', now, askedAt: now - 10, state: 'active', term: 9 },
    { type: 'peerAnswered', now, askedAt: now - 10, state: 'claiming', term: 99 },
    { type: 'peerAnswered', now, askedAt: now - 10, state: 'standby', term: 1 },
    { type: 'handOverAborted', now, requestId: 'r1', reason: 'a test' },
    { type: 'handOverAborted', now, requestId: 'r3', reason: 'a test' },
    { type: 'maintenanceSet', now, until: now + 60_000, pauseSynchronisation: true },
    { type: 'maintenanceSet', now, until: null, pauseSynchronisation: false },
    { type: 'automaticSet', now, on: true },
    { type: 'automaticSet', now, on: false },
    ...(['free', 'heldByPeer', 'heldByStranger', 'notBelievable'] as const).map(
      (result): Event => ({ type: 'virtualIpProbed', now, result, visit }),
    ),
    ...EFFECTS.flatMap((effect): Event[] => [
      { type: 'effectDone', effect, ...outcome },
      { type: 'effectDone', effect, ...outcome, visit: visit - 1 },
      { type: 'effectFailed', effect, reason: 'a test', ...outcome },
      { type: 'effectFailed', effect, reason: 'a test', ...outcome, visit: visit - 1 },
    ]),
    ...(['granted', 'heldByPeer', 'unreachable'] as const).map((answer): Event => ({
      type: 'witnessAnswered',
      now,
      answer,
      askedAt: now - 5,
    })),
    { type: 'virtualIpMissing', now },
    { type: 'shutdownRequested', now },
  ]
}

function heartbeats(now: number, state: StateName): Event[] {
  const role = ROLES[state] ?? 'standby'
  return [1, 3, 8].map((term) => {
    const said: PeerReport = { ...report, identity: 'primary', state, role, term }
    return { type: 'heartbeat', now, report: said }
  })
}

const ROLES: Readonly<Partial<Record<StateName, PeerReport['role']>>> = {
  active: 'active',
  handingOver: 'active',
  boot: 'starting',
  rechecking: 'starting',
  fault: 'fault',
}
