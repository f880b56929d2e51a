import { roleOf } from '../core/report.ts'
import type { PairExclusions } from '../core/settings.ts'
import type { NodeContext } from './node-context.ts'
import type { SettingsStore } from './settings-store.ts'

const NONE: PairExclusions = { tables: [], columns: [] }

export function exclusionsOf(settings: SettingsStore): PairExclusions {
  return settings.current().pair?.exclude ?? NONE
}

/**
 * What the pair leaves out, to the database side. The standby goes first: a table whose capture has ended on the active
 * while the standby still wants it would be an alarm.
 */
export function applyExclusions({ engine, loop, settings }: NodeContext): void {
  const { state, timing } = loop.view()
  const { heardAt, report } = state.shared.peer
  const isHeard = heardAt !== null && performance.now() - heardAt < timing.deadMs
  const isBehind = (report?.settingsVersion ?? 0) < (settings.current().pair?.version ?? 0)
  if (roleOf(state) === 'active' && isHeard && isBehind) return
  engine.setExclusions(exclusionsOf(settings))
}
