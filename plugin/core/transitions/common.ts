import {
  enter,
  peerHeard,
  persist,
  record,
  silentMs,
  stay,
  retryLater,
  type Decision,
  type Row,
  type Transition,
} from '../decision.ts'
import type { Effect } from '../effect.ts'
import type { EventOf, EventType } from '../event.ts'
import { FIRST_MODES, reportModes } from '../modes.ts'
import type { FaultCause, RetriedEffect, Shared, State, StateName } from '../state.ts'
import type { Timing } from '../timing.ts'

/** A cell in which nothing is to be done beyond taking note. */
export function keep<Name extends StateName, Type extends EventType>(
  name: Name,
  does: string,
): Transition<Name, Type> {
  return { to: [name], does, decide: (state) => stay(state, does) }
}

/** The cells in which all states of a paired server do the same. */
export function commonCells<Name extends StateName>(
  name: Name,
): Pick<
  Row<Name>,
  | 'paired'
  | 'unpaired'
  | 'observed'
  | 'peerAnswered'
  | 'maintenanceSet'
  | 'automaticSet'
  | 'handOverAborted'
  | 'virtualIpMissing'
> {
  return {
    paired: keep(name, 'is paired already'),
    unpaired: {
      to: ['unpaired'],
      does: 'drops the virtual IP and leaves the pair; terms begin anew with the next pair',
      decide: (state, event) => leavePair(state, event),
    },
    observed: keep(name, 'takes note of what this server observed of itself'),
    peerAnswered: keep(name, 'takes note of what the peer answered over its channel'),
    maintenanceSet: keep(name, 'takes note, persists the end of maintenance'),
    automaticSet: keep(name, 'takes note, persists whether a server may take over by itself'),
    handOverAborted: keep(name, 'nothing was handed over here'),
    virtualIpMissing: keep(name, 'does not hold the virtual IP any more'),
  }
}

/** The cells of a server that is not active: it has nothing to hand over. */
export function refusalCells<Name extends StateName>(
  name: Name,
): Pick<Row<Name>, 'handOverRequested' | 'releaseRequested'> {
  const does = 'refuses: it is not active'
  const decide = (
    state: State,
    event: EventOf<'handOverRequested'> | EventOf<'releaseRequested'>,
  ): Decision =>
    stay(state, does, [
      {
        type: 'refuseRequest',
        requestId: event.requestId,
        reason: `this server is not active but ${state.name}`,
      },
    ])
  return {
    handOverRequested: { to: [name], does, decide },
    releaseRequested: { to: [name], does, decide },
  }
}

/** The cells of effects' outcomes for a server that waits for none: failures are tried again. */
export function outcomeCells<Name extends StateName>(
  name: Name,
): Pick<Row<Name>, 'effectDone' | 'effectFailed' | 'virtualIpProbed'> {
  return {
    effectDone: keep(name, 'waits for no effect'),
    virtualIpProbed: keep(name, 'the answer comes too late to matter'),
    effectFailed: {
      to: [name],
      does: 'tries again to drop the address, to lock the data, to stop the service, to persist',
      decide: (state, event, { timing }) => tryAgain(state, event, timing),
    },
  }
}

export function refuseTakeOver(
  state: State,
  event: EventOf<'takeOverRequested'>,
  reason: string,
): Decision {
  return stay(state, reason, [answer(event.requestId, 'refused', reason)])
}

export function answer(
  requestId: string | null,
  outcome: 'done' | 'refused' | 'rolledBack',
  reason: string,
): Effect {
  return { type: 'answerRequest', requestId: requestId ?? '', outcome, reason }
}

const RETRIED: readonly string[] = ['dropVirtualIp', 'stopService', 'demoteData', 'persist']

function isRetried(effect: string): effect is RetriedEffect {
  return RETRIED.includes(effect)
}

export function tryAgain(state: State, event: EventOf<'effectFailed'>, timing: Timing): Decision {
  const reason = `${event.effect} failed: ${event.reason}`
  if (!isRetried(event.effect)) return stay(state, reason)
  const delayMs = event.effect === 'dropVirtualIp' ? timing.tickMs : timing.retryMs
  const shared = retryLater(state.shared, event.effect, event.now + delayMs)
  return stay({ ...state, shared }, reason)
}

/** What a paired server does at every tick: failed effects again, and the reference addresses when it is time. */
export function upkeep(
  shared: Shared,
  now: number,
  timing: Timing,
): { readonly shared: Shared; readonly effects: readonly Effect[] } {
  const due = shared.retries.filter((retry) => retry.at <= now)
  const retried: Shared = {
    ...shared,
    retries: shared.retries.filter((retry) => retry.at > now),
  }
  const again = due.map((retry) => effectAgain(retry.effect, retried, now))
  const asked = askReferences(retried, now, timing)
  return { shared: asked.shared, effects: [...again, ...asked.effects] }
}

function effectAgain(effect: RetriedEffect, shared: Shared, now: number): Effect {
  switch (effect) {
    case 'persist':
      return persist(shared, now)
    case 'promoteData':
      return { type: 'promoteData', term: shared.term }
    case 'demoteData':
      return { type: 'demoteData', reason: 'the data could not be locked at the first attempt' }
    case 'dropVirtualIp':
    case 'stopService':
      return { type: effect }
  }
}

/** Asks the reference addresses rarely while all is well, and often while something is to be decided by them. */
export function askReferences(
  shared: Shared,
  now: number,
  timing: Timing,
): { readonly shared: Shared; readonly effects: readonly Effect[] } {
  const silent = silentMs(shared, now) > 2 * timing.intervalMs
  const isDecisive = silent || shared.cutOffSince !== null
  const periodMs = isDecisive ? timing.referenceBusyMs : timing.referenceIdleMs
  const asked = shared.referenceAskedAt
  if (asked !== null && now - asked < periodMs) return { shared, effects: [] }
  return { shared: { ...shared, referenceAskedAt: now }, effects: [{ type: 'checkReferences' }] }
}

/** The effects of ceasing to serve, address first. */
export function letGo(reason: string): readonly Effect[] {
  return [
    { type: 'dropVirtualIp' },
    { type: 'sendHeartbeat' },
    { type: 'stopService' },
    { type: 'demoteData', reason },
  ]
}

/** Becomes standby, or suspect when the peer is not heard either. */
export function stepBack(
  state: State,
  now: number,
  reason: string,
  timing: Timing,
  effects: readonly Effect[],
  shared: Partial<Shared> = {},
  retryAt = now + timing.retryMs,
): Decision {
  const heard = peerHeard(state.shared, now, timing)
  return enter(
    state,
    now,
    { name: heard ? 'standby' : 'suspect', retryAt },
    reason,
    effects,
    shared,
  )
}

/** Becomes standby because the peer serves: takes over its term, and its own data is behind until it has followed. */
export function followActive(
  state: State,
  now: number,
  reason: string,
  effects: readonly Effect[] = [],
): Decision {
  const followed = followedShared(state.shared)
  // One that has just started does not know how long it was away.
  const dataInSync = followed.own.dataInSync && state.name !== 'boot'
  const shared: Shared = { ...followed, own: { ...followed.own, dataInSync } }
  return enter(
    state,
    now,
    { name: 'standby', retryAt: now },
    reason,
    [
      ...effects.filter((effect) => effect.type !== 'persist'), // with the term of the active instead
      persist(shared, now),
      record('becameStandby', reason),
    ],
    shared,
  )
}

/** A peer that is active for this long with a lower term is not about to yield: its data counts. */
const ESTABLISHED_MS = 5000

/** What a server knows once it has heard that the peer is active. */
export function followedShared(shared: Shared): Shared {
  const { report, activeSince, heardAt } = shared.peer
  const term = report?.term ?? 0
  // After a double, the last packets of a server that is just yielding must not make both of them look outdated.
  const isEstablished = (heardAt ?? 0) - (activeSince ?? 0) >= ESTABLISHED_MS
  const wasActive = shared.wasActive && term < shared.term && !isEstablished
  return {
    ...shared,
    term: Math.max(shared.term, term),
    wasActive,
    own: { ...shared.own, dataInSync: shared.own.dataInSync && !shared.wasActive },
    alarms: shared.alarms.filter((alarm) => alarm !== 'blocked'),
  }
}

export function toFault(
  state: State,
  now: number,
  cause: FaultCause,
  reason: string,
  timing: Timing,
  effects: readonly Effect[],
): Decision {
  return enter(state, now, { name: 'fault', cause, retryAt: now + timing.retryMs }, reason, effects)
}

function leavePair(state: State, event: EventOf<'unpaired'>): Decision {
  const { shared } = state
  const changed: Partial<Shared> = {
    term: 0,
    seenTerm: 0,
    reservedTerm: 0,
    wasActive: false,
    modes: FIRST_MODES,
    roleChanges: [],
    alarms: [],
    retries: [],
    own: { ...shared.own, dataInSync: false, holdsVirtualIp: false },
    peer: {
      heardAt: null,
      report: null,
      divergedTerm: null,
      silenceFrom: event.now,
      settledSince: null,
      activeSince: null,
      deafSince: null,
      heldAt: null,
    },
  }
  const effects: Effect[] = [
    { type: 'dropVirtualIp' },
    {
      type: 'persist',
      term: 0,
      wasActive: false,
      modes: reportModes(FIRST_MODES, event.now),
      roleChangeAgesMs: [],
    },
  ]
  return enter(state, event.now, { name: 'unpaired' }, 'the pair was dissolved', effects, changed)
}
