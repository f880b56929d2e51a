import { persist, record } from './decision.ts'
import type { Effect } from './effect.ts'
import type { Event } from './event.ts'
import { automaticProblem, type Modes } from './modes.ts'
import type { State } from './state.ts'

/** Entries of the history, and writes to disk, that follow from a change of view alone, whatever the state. */
export function notices(before: State, after: State, event: Event): Effect[] {
  if (after.name === 'unpaired') return []
  return [
    ...serviceNotice(before, after),
    ...diskNotice(before, after),
    ...referenceNotice(before, after),
    ...witnessNotice(before, after),
    ...modesNotice(before, after, event),
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

function diskNotice(before: State, after: State): Effect[] {
  const [was, is] = [before.shared.own.diskWritable, after.shared.own.diskWritable]
  if (was === is) return []
  return [
    is
      ? record('diskRecovered', 'the state directory can be written to again')
      : record('diskFailed', 'the state directory cannot be written to'),
  ]
}

function referenceNotice(before: State, after: State): Effect[] {
  const [was, is] = [before.shared.own.referenceReachable, after.shared.own.referenceReachable]
  if (was === is || is === null) return []
  if (!is) return [record('referenceLost', 'no reference address answers this server')]
  return was === null ? [] : [record('referenceBack', 'a reference address answers')]
}

/** Who serves asks the witness all the time, so it is the one to tell. */
function witnessNotice(before: State, after: State): Effect[] {
  const [was, is] = [before.shared.witness.lost, after.shared.witness.lost]
  if (was === is) return []
  return [
    is
      ? record('witnessLost', 'the witness does not answer this server')
      : record('witnessBack', 'the witness answers again'),
  ]
}

/** Both servers keep the modes, so each says in its own history what was set, and by whom. */
function modesNotice(before: State, after: State, event: Event): Effect[] {
  const [was, is] = [before.shared.modes, after.shared.modes]
  if (was === is) return []
  const saved = canPersist(after) ? [persist(after.shared, event.now)] : []
  // What the administrator has just set must not wait for the next heartbeat.
  const told: Effect[] = event.type === 'heartbeat' ? [] : [{ type: 'sendHeartbeat' }]
  return [
    ...maintenanceNotice(was, is, event),
    ...automaticNotice(was, is, event),
    ...saved,
    ...told,
  ]
}

function maintenanceNotice(was: Modes, is: Modes, event: Event): Effect[] {
  if (is.maintenanceUntil !== null) {
    const remainingMs = is.maintenanceUntil - event.now
    const length =
      remainingMs === Infinity
        ? 'until somebody ends it'
        : `for ${Math.round(remainingMs / 60_000)} minutes`
    const rest = is.synchronisationPaused ? 'synchronisation is paused' : 'synchronisation goes on'
    const reason = `${by(event)}, ${length}; ${rest}`
    const isNews = event.type === 'maintenanceSet' || was.maintenanceUntil === null
    return isNews ? [record('maintenanceStarted', reason)] : []
  }
  if (was.maintenanceUntil === null) return []
  const reason = event.type === 'tick' ? 'its time is over' : by(event)
  return [record('maintenanceEnded', reason)]
}

function automaticNotice(was: Modes, is: Modes, event: Event): Effect[] {
  if (was.automatic === is.automatic) return []
  switch (is.automatic) {
    case 'on':
      return [record('automaticTakeOverOn', by(event))]
    case 'off':
      return [record('automaticTakeOverOff', by(event))]
    case 'held':
      return [record('automaticTakeOverHeld', automaticProblem(is) ?? '')]
  }
}

function by(event: Event): string {
  return event.type === 'heartbeat' ? 'set on the other server' : 'set by the administrator'
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
