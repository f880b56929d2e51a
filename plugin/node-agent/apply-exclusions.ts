import { roleOf } from '../core/report.ts'
import { NO_EXCLUSIONS, type PairExclusions } from '../core/settings.ts'
import type { NodeContext } from './node-context.ts'
import { isHeard } from './peer-heard.ts'
import type { SettingsStore } from './settings-store.ts'

export function exclusionsOf(settings: SettingsStore): PairExclusions {
  return settings.current().pair?.exclude ?? NO_EXCLUSIONS
}

/**
 * What the pair leaves out, to the database side. The standby goes first: a table whose capture has ended on the active
 * while the standby still wants it would be an alarm.
 */
export function applyExclusions({ engine, loop, settings }: NodeContext): void {
  const view = loop.view()
  const reported = view.state.shared.peer.report?.settingsVersion ?? 0
  const isBehind = reported < (settings.current().pair?.version ?? 0)
  if (roleOf(view.state) === 'active' && isHeard(view) && isBehind) return
  engine.setExclusions(exclusionsOf(settings))
}
