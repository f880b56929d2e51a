import type { HealthWord, ReplicationPhase } from '../../api/status-document.ts'
import type { Role } from '../../core/facts.ts'
import type { EventLevel } from '../../core/settings.ts'

/** How loud something is shown. */
export type Tone = 'good' | 'info' | 'warning' | 'bad'

export const HEALTH: Readonly<Record<HealthWord, { readonly title: string; readonly tone: Tone }>> =
  {
    notSetUp: { title: 'Not set up', tone: 'info' },
    healthy: { title: 'Healthy', tone: 'good' },
    synchronising: { title: 'Synchronising', tone: 'info' },
    degraded: { title: 'Degraded', tone: 'warning' },
    notProtected: { title: 'Not protected', tone: 'bad' },
    takingOver: { title: 'Taking over', tone: 'warning' },
    split: { title: 'Both servers are active', tone: 'bad' },
  }

export const ROLE: Readonly<Record<Role, { readonly title: string; readonly tone: Tone }>> = {
  active: { title: 'active', tone: 'good' },
  standby: { title: 'standby', tone: 'info' },
  starting: { title: 'starting', tone: 'warning' },
  fault: { title: 'fault', tone: 'bad' },
}

export const PHASE: Readonly<
  Record<ReplicationPhase, { readonly title: string; readonly tone: Tone }>
> = {
  off: { title: 'Off', tone: 'info' },
  capturing: { title: 'Records changes for the standby', tone: 'good' },
  connecting: { title: 'Connects to the active server', tone: 'warning' },
  copying: { title: 'Copies everything for the first time', tone: 'info' },
  catchingUp: { title: 'Catches up', tone: 'info' },
  streaming: { title: 'Follows the active server', tone: 'good' },
  failed: { title: 'Failed', tone: 'bad' },
  paused: { title: 'Paused', tone: 'warning' },
}

export const LEVEL: Readonly<Record<EventLevel, Tone>> = {
  information: 'info',
  warning: 'warning',
  alert: 'bad',
}

export const LEVELS = Object.keys(LEVEL) as readonly EventLevel[]

export const OPERATION = {
  takeOver: 'Take-over',
  resynchronise: 'Resynchronisation',
  join: 'Pairing',
  check: 'Check',
} as const
