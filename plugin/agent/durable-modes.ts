import type { InitialInput } from '../core/initial-state.ts'
import { FIRST_MODES, type Modes, type ModesReport } from '../core/modes.ts'
import type { DurableState } from './agent-ports.ts'

/** Both clocks at one moment: the monotonic one of the core, and the wall clock, the only one that outlives a restart. */
export interface Moment {
  readonly now: number
  readonly wallMs: number
}

/** What the core keeps over a restart besides term and role, as it goes to disk. */
export function toDurable(
  modes: ModesReport,
  roleChangeAgesMs: readonly number[],
  wallMs: number,
): Pick<DurableState, 'modes' | 'roleChangesMs'> {
  const { maintenanceRemainingMs: remainingMs, ...rest } = modes
  const maintenanceUntilMs =
    typeof remainingMs === 'number' ? Math.round(wallMs + remainingMs) : remainingMs
  return {
    modes: { ...rest, maintenanceUntilMs },
    roleChangesMs: roleChangeAgesMs.map((ageMs) => Math.round(wallMs - ageMs)),
  }
}

/** What the disk held, in the time of the core; maintenance that ended meanwhile is over. */
export function fromDurable(
  durable: DurableState | null,
  { now, wallMs }: Moment,
): Pick<InitialInput, 'term' | 'wasActive' | 'modes' | 'roleChanges'> {
  if (durable === null) return { term: 0, wasActive: false, modes: FIRST_MODES, roleChanges: [] }
  const { term, wasActive } = durable
  const { maintenanceUntilMs, ...rest } = durable.modes
  const untilMs = maintenanceUntilMs === 'open' ? Infinity : (maintenanceUntilMs ?? -Infinity)
  const remainingMs = untilMs - wallMs
  const modes: Modes =
    remainingMs > 0
      ? { ...rest, maintenanceUntil: now + remainingMs }
      : { ...rest, maintenanceUntil: null, synchronisationPaused: false }
  return {
    term,
    wasActive,
    modes,
    roleChanges: durable.roleChangesMs.map((at) => now - Math.max(0, wallMs - at)),
  }
}
