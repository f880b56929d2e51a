import { FIRST_MODES, reportModes } from '../../plugin/core/modes.ts'
import type { PeerReport } from '../../plugin/core/state.ts'

/** A report of a healthy standby; give what the test is about. */
export function peerReport(given: Partial<PeerReport> = {}): PeerReport {
  return {
    identity: 'secondary',
    role: 'standby',
    state: 'standby',
    term: 1,
    wasActive: false,
    healthy: true,
    dataInSync: true,
    referenceReachable: true,
    modes: reportModes(FIRST_MODES, 0),
    roleChanges: 0,
    settingsVersion: 1,
    ...given,
  }
}
