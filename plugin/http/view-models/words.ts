import type { HealthWord, OperationStatus, ReplicationPhase } from '../../api/status-document.ts'
import type { Role } from '../../core/facts.ts'
import type { EventLevel } from '../../core/settings.ts'
import type { Language } from '../i18n/language.ts'

/** How loud something is shown. */
export type Tone = 'good' | 'info' | 'warning' | 'bad'

/** A word on a coloured ground. */
export interface Pill {
  readonly title: string
  readonly tone: Tone
}

export const HEALTH: Readonly<Record<HealthWord, Tone>> = {
  notSetUp: 'info',
  healthy: 'good',
  synchronising: 'info',
  degraded: 'warning',
  notProtected: 'bad',
  takingOver: 'warning',
  split: 'bad',
}

const ROLE: Readonly<Record<Role, Tone>> = {
  active: 'good',
  standby: 'info',
  starting: 'warning',
  fault: 'bad',
}

const PHASE: Readonly<Record<ReplicationPhase, Tone>> = {
  off: 'info',
  capturing: 'good',
  connecting: 'warning',
  copying: 'info',
  catchingUp: 'info',
  streaming: 'good',
  failed: 'bad',
  paused: 'warning',
}

const LEVEL: Readonly<Record<EventLevel, Tone>> = {
  information: 'info',
  warning: 'warning',
  alert: 'bad',
}

export const LEVELS = Object.keys(LEVEL) as readonly EventLevel[]

/** An agent of a newer version may know words that this catalogue does not: those show their key. */
export function healthPill(word: HealthWord, { t }: Language): Pill {
  return { title: t(`health.${word}`), tone: HEALTH[word] ?? 'warning' }
}

export function rolePill(role: Role, { t }: Language): Pill {
  return { title: t(`role.${role}`), tone: ROLE[role] ?? 'warning' }
}

export function phasePill(phase: ReplicationPhase, { t }: Language): Pill {
  return { title: t(`phase.${phase}`), tone: PHASE[phase] ?? 'warning' }
}

export function levelPill(level: EventLevel, { t }: Language): Pill {
  return { title: t(`level.${level}`), tone: LEVEL[level] ?? 'info' }
}

export function operationTitle(kind: OperationStatus['kind'], { t }: Language): string {
  return t(`operation.${kind}`)
}
