import type { CoreSettings } from '../../../plugin/core/decision.ts'
import { initialState } from '../../../plugin/core/initial-state.ts'
import { FIRST_MODES, reportModes } from '../../../plugin/core/modes.ts'
import type { OwnView, PeerReport, Shared, State, StateOf } from '../../../plugin/core/state.ts'
import { deriveTiming } from '../../../plugin/core/timing.ts'

export const settings: CoreSettings = {
  timing: deriveTiming({ keepAliveIntervalMs: 500, deadTimeMs: 5000 }),
  coldStartAlone: true,
  roleChangesPerHour: 3,
}

/** The time at which the states below are looked at. */
export const NOW = 100_000

export const report: PeerReport = {
  identity: 'primary',
  role: 'active',
  state: 'active',
  term: 3,
  wasActive: true,
  healthy: true,
  dataInSync: true,
  referenceReachable: true,
  modes: reportModes(FIRST_MODES, 0),
  roleChanges: 0,
  settingsVersion: 1,
}

export const standbyReport: PeerReport = {
  ...report,
  identity: 'secondary',
  role: 'standby',
  state: 'standby',
  wasActive: false,
}

const OWN: OwnView = {
  carrierUp: true,
  referenceAnsweredAt: NOW - 100,
  databaseUp: true,
  serviceHealthy: true,
  diskWritable: true,
  dataInSync: true,
  holdsVirtualIp: false,
  referenceReachable: true,
}

/** What a healthy secondary in term 3 knows while its peer was heard just now. */
export function shared(changed: Partial<Shared> = {}): Shared {
  const first = initialState({
    now: 0,
    identity: 'secondary',
    paired: true,
    startsPair: false,
    term: 3,
    wasActive: false,
    modes: FIRST_MODES,
    roleChanges: [],
    own: OWN,
  }).shared
  const peer = { ...first.peer, heardAt: NOW - 100, silenceFrom: NOW - 100, report }
  return { ...first, reachableSince: 0, referenceAskedAt: NOW - 100, peer, ...changed }
}

/** The peer fell silent this long ago. */
export function silentFor(silentMs: number): Partial<Shared> {
  const at = NOW - silentMs
  return { peer: { ...shared().peer, heardAt: at, silenceFrom: at } }
}

export function standby(changed: Partial<Shared> = {}): StateOf<'standby'> {
  return { name: 'standby', since: 0, retryAt: 0, shared: shared(changed) }
}

export function suspect(changed: Partial<Shared> = {}): StateOf<'suspect'> {
  return { name: 'suspect', since: 0, retryAt: 0, shared: shared(changed) }
}

export function claiming(
  step: StateOf<'claiming'>['step'],
  changed: Partial<StateOf<'claiming'>> = {},
): StateOf<'claiming'> {
  return {
    name: 'claiming',
    since: NOW - 500,
    stepSince: NOW - 500,
    step,
    forced: false,
    cause: 'failover',
    requestId: null,
    why: 'no heartbeat',
    probeAt: null,
    shared: shared(silentFor(6000)),
    ...changed,
  }
}

const LEASE = {
  renewedAt: NOW - 100,
  securedAt: NOW - 100,
  forced: false,
  announcements: 5,
  announcedAt: NOW - 100,
  renewFailingSince: null,
}

/** The primary, active in term 3, with a healthy standby. */
export function active(
  changed: Partial<Shared> = {},
  lease: Partial<StateOf<'active'>> = {},
): StateOf<'active'> {
  const view = shared({ identity: 'primary', wasActive: true })
  const peer = { ...view.peer, report: standbyReport }
  return { name: 'active', since: 0, ...LEASE, shared: { ...view, peer, ...changed }, ...lease }
}

export function handingOver(step: StateOf<'handingOver'>['step']): StateOf<'handingOver'> {
  return {
    ...LEASE,
    name: 'handingOver',
    since: 0,
    step,
    newTerm: 4,
    requestId: step === 'offering' ? null : 'r1',
    stepSince: NOW - 100,
    stopping: false,
    shared: active().shared,
  }
}

export function takingOver(step: StateOf<'takingOver'>['step']): StateOf<'takingOver'> {
  return {
    name: 'takingOver',
    since: 0,
    step,
    requestId: 'r1',
    newTerm: 4,
    stepSince: NOW - 100,
    offered: false,
    rolePersisted: false,
    shared: shared(),
  }
}

/** A state of every name, and of every step. */
export function everyState(): State[] {
  const boot: State = { name: 'boot', since: 0, locked: true, shared: shared() }
  const unlocked: State = {
    ...boot,
    locked: false,
    shared: shared({ wasActive: true, own: { ...OWN, holdsVirtualIp: true } }),
  }
  return [
    { name: 'unpaired', since: 0, shared: shared({ term: 0 }) },
    { name: 'unpaired', since: 0, shared: shared({ term: 0, identity: 'primary' }) },
    boot,
    unlocked,
    standby(),
    suspect(silentFor(6000)),
    ...(
      [
        'checkingReferences',
        'probingVirtualIp',
        'askingWitness',
        'persistingTerm',
        'claiming',
        'promoting',
        'persistingRole',
        'confirmingVirtualIp',
        'raisingVirtualIp',
      ] as const
    ).map((step) => claiming(step)),
    ...(
      [
        'preparing',
        'draining',
        'releasing',
        'persistingTerm',
        'promoting',
        'persistingRole',
        'raisingVirtualIp',
      ] as const
    ).map((step) => takingOver(step)),
    active(),
    ...(['offering', 'preparing', 'prepared', 'releasing'] as const).map((step) =>
      handingOver(step),
    ),
    { name: 'rechecking', since: NOW - 200, shared: shared({ wasActive: true }) },
    { name: 'fault', since: 0, cause: 'failed', retryAt: 0, shared: shared() },
    { name: 'fault', since: 0, cause: 'stopping', retryAt: 0, shared: shared() },
  ]
}
