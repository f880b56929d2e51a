import type { AgentLoop } from '../agent/agent-loop.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { roleOf } from '../core/report.ts'

/**
 * Which of the two servers mails an event: the active one. A standby mails what only it can know, when the active is
 * not there to do it, or when the event is about this standby itself.
 */
export function mailPolicy(loop: AgentLoop): (entry: HistoryEntry) => boolean {
  return (entry) => {
    const { state } = loop.view()
    if (roleOf(state) === 'active') return true
    const { report } = state.shared.peer
    const peerServes = state.shared.peer.heardAt !== null && report?.role === 'active'
    return !peerServes || ABOUT_THIS_SERVER.has(entry.kind)
  }
}

const ABOUT_THIS_SERVER: ReadonlySet<HistoryEntry['kind']> = new Set([
  'synchronisationFailed',
  'synchronisationRecovered',
  'resynchronisationDone',
  'tableQuarantined',
  'captureRepaired',
  'driftFound',
  'driftRepaired',
  'unsentChanges',
  'takeOverRefused',
  'takeOverRolledBack',
  'steppedDown',
  'splitFound',
  'databaseLost',
  'databaseBack',
  'referenceLost',
  'serviceUnhealthy',
  'serviceRecovered',
  'virtualIpFailed',
])
