import type { AutomaticTakeOverStatus, MaintenanceStatus } from '../api/status-document.ts'
import type { NodeContext } from './node-context.ts'

export function maintenanceStatus({ loop }: NodeContext): MaintenanceStatus | null {
  const { maintenanceUntil, synchronisationPaused } = loop.view().state.shared.modes
  if (maintenanceUntil === null) return null
  const synchronisation = synchronisationPaused ? 'paused' : 'goesOn'
  if (maintenanceUntil === Infinity) return { until: null, remainingMs: null, synchronisation }
  const remainingMs = Math.max(0, Math.round(maintenanceUntil - performance.now()))
  const until = new Date(Date.now() + remainingMs).toISOString()
  return { until, remainingMs, synchronisation }
}

export function automaticStatus({ loop, config }: NodeContext): AutomaticTakeOverStatus {
  const { modes, roleChanges, peer } = loop.view().state.shared
  return {
    state: modes.automatic,
    changesLastHour: roleChanges.length + (peer.report?.roleChanges ?? 0),
    changesPerHour: config.failover.roleChangesPerHour,
  }
}
