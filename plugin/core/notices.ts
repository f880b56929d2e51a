import { persist, record } from './decision.ts'
import type { Effect } from './effect.ts'
import type { Event } from './event.ts'
import type { State } from './state.ts'

/** Entries of the history, and writes to disk, that follow from a change of view alone, whatever the state. */
export function notices(before: State, after: State, event: Event): Effect[] {
  if (after.name === 'unpaired') return []
  return [
    ...serviceNotice(before, after),
    ...referenceNotice(before, after),
    ...maintenanceNotice(before, after, event.now),
    ...peerNotice(before, after),
    ...dataNotice(before, after, event.now),
  ]
}

function serviceNotice(before: State, after: State): Effect[] {
  const [was, is] = [before.shared.own.serviceHealthy, after.shared.own.serviceHealthy]
  if (was === is) return []
  return [
    is
      ? record('serviceRecovered', 'the telephony service is healthy')
      : record('serviceUnhealthy', 'the health command of the telephony service fails'),
  ]
}

function referenceNotice(before: State, after: State): Effect[] {
  const [was, is] = [before.shared.own.referenceReachable, after.shared.own.referenceReachable]
  if (was === is || is === null) return []
  if (!is) return [record('referenceLost', 'no reference address answers this server')]
  return was === null ? [] : [record('referenceBack', 'a reference address answers')]
}

function maintenanceNotice(before: State, after: State, now: number): Effect[] {
  const [was, is] = [before.shared.maintenanceUntil, after.shared.maintenanceUntil]
  if (was === is) return []
  const saved = canPersist(after) ? [persist(after.shared, now)] : []
  if (was === null)
    return [record('maintenanceStarted', 'asked for by the administrator'), ...saved]
  return is === null
    ? [record('maintenanceEnded', 'nobody is kept from taking over any more'), ...saved]
    : saved
}

function peerNotice(before: State, after: State): Effect[] {
  const [was, is] = [
    before.shared.alarms.includes('peerLost'),
    after.shared.alarms.includes('peerLost'),
  ]
  return was && !is ? [record('peerBack', 'heartbeats of the peer arrive again')] : []
}

function dataNotice(before: State, after: State, now: number): Effect[] {
  const changed = before.shared.own.dataInSync !== after.shared.own.dataInSync
  return changed && canPersist(after) ? [persist(after.shared, now)] : []
}

/** While a term is being persisted, nothing else is: the outcome could not be told apart. */
function canPersist(state: State): boolean {
  return state.name !== 'claiming' && state.name !== 'takingOver'
}
