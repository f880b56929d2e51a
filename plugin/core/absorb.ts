import { servesUnheard, type CoreSettings } from './decision.ts'
import type { Event, EventOf } from './event.ts'
import { agreeOnModes, type Modes, ROLE_CHANGES_WITHIN_MS } from './modes.ts'
import { isHealthy } from './report.ts'
import { withAnswer } from './witness.ts'
import type { Alarm, PeerReport, PeerView, Shared } from './state.ts'

/** What every state learns from an event in the same way, before the cell of the table decides. */
export function absorb(shared: Shared, event: Event, settings: CoreSettings): Shared {
  switch (event.type) {
    case 'heartbeat':
      return heard(shared, event, settings)
    case 'observed':
      return withTimers(observed(shared, event), event.now)
    case 'referencesChecked':
      return withTimers(checked(shared, event), event.now)
    case 'claimHeard':
      return { ...shared, seenTerm: Math.max(shared.seenTerm, event.term) }
    case 'peerAnswered':
      return answered(shared, event, settings)
    case 'maintenanceSet':
      return withModes(shared, {
        maintenanceUntil: event.until,
        synchronisationPaused: event.until !== null && event.pauseSynchronisation,
      })
    case 'automaticSet':
      return switched(shared, event.on)
    case 'tick':
      return ticked(shared, event, settings)
    case 'virtualIpProbed':
      return { ...shared, virtualIpFreeAt: event.result === 'free' ? event.now : null }
    case 'witnessAnswered':
      return { ...shared, witness: withAnswer(shared.witness, event, settings.timing) }
    case 'paired':
      return { ...shared, startsPair: event.startsPair }
    case 'unpaired':
    case 'takeOverRequested':
    case 'handOverRequested':
    case 'releaseRequested':
    case 'handOverAborted':
    case 'effectDone':
    case 'effectFailed':
    case 'virtualIpMissing':
    case 'shutdownRequested':
      return shared
  }
}

function observed(shared: Shared, { now, own }: EventOf<'observed'>): Shared {
  const isConnected = !shared.own.carrierUp && own.carrierUp === true
  return {
    ...shared,
    own: { ...shared.own, ...own },
    // Without a cable nothing could be heard: the peer gets the whole dead time to speak.
    peer: isConnected ? { ...shared.peer, silenceFrom: now } : shared.peer,
  }
}

/** As good as an answer for the address: the peer held it when it was asked. */
function answered(
  shared: Shared,
  event: EventOf<'peerAnswered'>,
  { timing }: CoreSettings,
): Shared {
  const seenTerm = Math.max(shared.seenTerm, event.term)
  if (!servesUnheard(shared, event, timing)) return { ...shared, seenTerm }
  const heldAt = Math.max(shared.peer.heldAt ?? -Infinity, event.askedAt)
  return { ...shared, seenTerm, peer: { ...shared.peer, heldAt } }
}

/** Alarms about the peer's silence end with it. */
const ALARMS_OF_SILENCE: readonly Alarm[] = [
  'peerLost',
  'answered',
  'isolated',
  'conflict',
  'witness',
]

function heard(shared: Shared, event: EventOf<'heartbeat'>, settings: CoreSettings): Shared {
  const { report, now } = event
  const gapMs = shared.peer.heardAt === null ? 0 : now - shared.peer.silenceFrom
  // What the peer was before a silence says nothing about how long it has been so.
  const before = gapMs <= settings.timing.warnMs ? shared.peer : null
  const endedByItself = gapMs < settings.timing.deadMs
  const peer: PeerView = {
    ...shared.peer,
    heardAt: now,
    silenceFrom: now,
    report,
    settledSince: isSettled(report) ? (before?.settledSince ?? now) : null,
    activeSince: report.role === 'active' ? (before?.activeSince ?? now) : null,
    deafSince: missesUs(report) ? (before?.deafSince ?? now) : null,
    heldAt: null,
  }
  const modes = agreeOnModes(shared.modes, report.modes, { now, peerIdentity: report.identity })
  const next: Shared = {
    ...shared,
    peer,
    modes,
    // Whoever ended the hold on the other server ended it here, too.
    roleChanges:
      shared.modes.automatic === 'held' && modes.automatic === 'on' ? [] : shared.roleChanges,
    virtualIpFreeAt: null,
    probedEarly: false,
    seenTerm: Math.max(shared.seenTerm, report.term),
    longestGapMs: endedByItself ? Math.max(shared.longestGapMs, gapMs) : shared.longestGapMs,
    alarms: shared.alarms.filter((alarm) => !ALARMS_OF_SILENCE.includes(alarm)),
  }
  return withTimers(next, now)
}

/** Neither active nor on the way there: it will not act by itself before the two have elected. */
function isSettled(report: PeerReport): boolean {
  if (report.role === 'active') return false
  switch (report.state) {
    case 'boot':
    case 'standby':
    case 'suspect':
    case 'fault':
    case 'unpaired':
      return true
    case 'claiming':
    case 'takingOver':
    case 'active':
    case 'handingOver':
    case 'rechecking':
      return false
  }
}

/** It would not suspect us if it heard us. */
function missesUs(report: PeerReport): boolean {
  return report.state === 'suspect' || report.state === 'claiming'
}

function checked(shared: Shared, event: EventOf<'referencesChecked'>): Shared {
  const before = shared.own.referenceAnsweredAt
  const answeredAt = event.reachable ? Math.max(before ?? event.askedAt, event.askedAt) : before
  return {
    ...shared,
    reachableSince: event.reachable ? (shared.reachableSince ?? event.now) : null,
    own: {
      ...shared.own,
      referenceAnsweredAt: answeredAt,
      referenceReachable: event.reachable,
    },
  }
}

function ticked(shared: Shared, event: EventOf<'tick'>, { timing }: CoreSettings): Shared {
  const { maintenanceUntil } = shared.modes
  const over = maintenanceUntil !== null && event.now >= maintenanceUntil
  const ended: Shared = over
    ? {
        ...shared,
        modes: { ...shared.modes, maintenanceUntil: null, synchronisationPaused: false },
      }
    : shared
  const awake = forgetRoleChanges(ended, event.now)
  if (event.stalledMs <= timing.stallMs) return awake
  // Packets may be waiting unread: silence and isolation count from the end of the stall, give or take.
  return {
    ...awake,
    peer: { ...awake.peer, silenceFrom: event.now, activeSince: null, deafSince: null },
    graceFrom: Math.max(awake.graceFrom, event.now - timing.isolationMs + 2 * timing.tickMs),
  }
}

function withTimers(shared: Shared, now: number): Shared {
  const healthy = isHealthy(shared.own)
  const cutOff =
    shared.own.referenceReachable === false && shared.peer.report?.referenceReachable === true
  return {
    ...shared,
    unhealthySince: healthy ? null : (shared.unhealthySince ?? now),
    cutOffSince: cutOff ? (shared.cutOffSince ?? now) : null,
  }
}

/** A change by the administrator: newer than whatever either server has said. */
function withModes(shared: Shared, changed: Partial<Modes>): Shared {
  const known = Math.max(shared.modes.version, shared.peer.report?.modes.version ?? 0)
  return { ...shared, modes: { ...shared.modes, ...changed, version: known + 1 } }
}

function switched(shared: Shared, on: boolean): Shared {
  const next = withModes(shared, { automatic: on ? 'on' : 'off' })
  return on ? { ...next, roleChanges: [] } : next
}

function forgetRoleChanges(shared: Shared, now: number): Shared {
  const recent = shared.roleChanges.filter((at) => now - at < ROLE_CHANGES_WITHIN_MS)
  return recent.length === shared.roleChanges.length ? shared : { ...shared, roleChanges: recent }
}
