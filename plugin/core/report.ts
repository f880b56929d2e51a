import type { Role } from './facts.ts'
import { reportModes } from './modes.ts'
import type { OwnView, PeerReport, State, StateName } from './state.ts'

/** What a server in this state is, as peer and pages see it. */
export function roleOf(state: State): Role {
  switch (state.name) {
    case 'active':
      return 'active'
    case 'handingOver':
      return state.step === 'releasing' ? 'starting' : 'active'
    case 'standby':
    case 'suspect':
    case 'claiming':
    case 'takingOver':
      return 'standby'
    case 'unpaired':
    case 'boot':
    case 'rechecking':
      return 'starting'
    case 'fault':
      return 'fault'
  }
}

/** The virtual IP is, or may be, on this server. */
export function holdsLease(state: State): boolean {
  return state.name === 'active' || (state.name === 'handingOver' && state.step !== 'releasing')
}

/** It could serve, as far as its own parts go. */
export function isHealthy({ databaseUp, serviceHealthy, diskWritable }: OwnView): boolean {
  return databaseUp && serviceHealthy && diskWritable
}

/** What this server says of itself in a heartbeat. */
export function reportOf(state: State, settingsVersion: number, now: number): PeerReport {
  const { shared } = state
  return {
    identity: shared.identity,
    role: roleOf(state),
    state: reportedState(state),
    term: shared.term,
    wasActive: shared.wasActive,
    healthy: isHealthy(shared.own),
    dataInSync: shared.own.dataInSync,
    referenceReachable: shared.own.referenceReachable === true,
    modes: reportModes(shared.modes, now),
    roleChanges: shared.roleChanges.length,
    settingsVersion,
  }
}

/** An active that reports `handingOver` offers its role to the peer; one that is already asked just serves. */
function reportedState(state: State): StateName {
  if (state.name !== 'handingOver') return state.name
  return state.step === 'preparing' || state.step === 'prepared' ? 'active' : 'handingOver'
}
