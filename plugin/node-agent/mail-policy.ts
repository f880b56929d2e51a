import type { AgentLoop } from '../agent/agent-loop.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { EVENT_KINDS } from '../core/event-kinds.ts'
import { roleOf } from '../core/report.ts'
import { DEFAULT_NOTIFICATIONS, type NotificationSettings } from '../core/settings.ts'
import type { PeerState } from './node-context.ts'
import { isHeard } from './peer-heard.ts'
import type { SettingsStore } from './settings-store.ts'

/** Data of an entry that the other server tells. */
export const TOLD_BY_PEER = { toldByPeer: true } as const

/**
 * Which of the two servers tells the contacts of an event: of what is about one server, that one; of what both see, the
 * active one. While none is active, the one that is alone, or the primary.
 */
export function mailPolicy(loop: AgentLoop): (entry: HistoryEntry) => boolean {
  return ({ kind, data }) => {
    if (data['toldByPeer'] === true) return false
    if (EVENT_KINDS[kind].toldBy === 'each') return true
    const view = loop.view()
    const { state } = view
    if (roleOf(state) === 'active') return true
    const { report } = state.shared.peer
    // A standby that loses the active says so by what it does about it: failover started, or take-over refused.
    if (!isHeard(view)) return !(kind === 'peerLost' && report?.role === 'active')
    return report?.role !== 'active' && state.shared.identity === 'primary'
  }
}

/** What this server sends now: as the active what both servers have, alone its own, as standby nothing. */
export function sendingTurn(loop: AgentLoop, peer: PeerState): () => 'all' | 'own' | 'none' {
  return () => {
    if (peer.record() === null) return 'own'
    return roleOf(loop.view().state) === 'active' ? 'all' : 'none'
  }
}

export function notificationsOf(settings: SettingsStore): NotificationSettings {
  return settings.current().pair?.notifications ?? DEFAULT_NOTIFICATIONS
}
