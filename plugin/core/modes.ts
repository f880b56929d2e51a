import type { Identity } from './facts.ts'

/** What the administrator set for both servers for the time being; the higher version wins. */
export interface Modes {
  /** Rises with every change; 0 when nothing was ever set. */
  readonly version: number
  /** Monotonic end of maintenance mode; Infinity until somebody ends it, null when off. */
  readonly maintenanceUntil: number | null
  /** Synchronisation rests while maintenance lasts. */
  readonly synchronisationPaused: boolean
  readonly automatic: AutomaticTakeOver
}

/** `off`: switched off by the administrator. `held`: the role changed too often; waits for the administrator. */
export type AutomaticTakeOver = 'on' | 'off' | 'held'

/** The same for the other server and for the disk, where our monotonic clock means nothing. */
export interface ModesReport extends Omit<Modes, 'maintenanceUntil'> {
  /** `open`: until somebody ends it. */
  readonly maintenanceRemainingMs: number | 'open' | null
}

export const FIRST_MODES: Modes = {
  version: 0,
  maintenanceUntil: null,
  synchronisationPaused: false,
  automatic: 'on',
}

/** Within this time role changes count together. */
export const ROLE_CHANGES_WITHIN_MS = 3_600_000
export const DEFAULT_ROLE_CHANGES_PER_HOUR = 6

export function reportModes(modes: Modes, now: number): ModesReport {
  const { maintenanceUntil, ...rest } = modes
  const remaining = maintenanceUntil === null ? null : Math.max(0, maintenanceUntil - now)
  return { ...rest, maintenanceRemainingMs: remaining === Infinity ? 'open' : remaining }
}

export function modesOf(report: ModesReport, now: number): Modes {
  const { version, maintenanceRemainingMs, synchronisationPaused, automatic } = report
  const maintenanceUntil = untilOf(maintenanceRemainingMs, now)
  return { version, maintenanceUntil, synchronisationPaused, automatic }
}

function untilOf(remainingMs: ModesReport['maintenanceRemainingMs'], now: number): number | null {
  if (remainingMs === 'open') return Infinity
  return remainingMs === null ? null : now + remainingMs
}

/** What holds after the other server has told its modes: the newer ones, or the primary's where both are as new. */
export function agreeOnModes(
  own: Modes,
  told: ModesReport,
  input: { readonly now: number; readonly peerIdentity: Identity },
): Modes {
  const theirs = modesOf(told, input.now)
  if (theirs.version > own.version) return theirs
  const yields = theirs.version === own.version && input.peerIdentity === 'primary'
  return yields && !sameModes(own, theirs) ? theirs : own
}

/** But for the end of maintenance, which each server counts with its own clock. */
function sameModes(one: Modes, other: Modes): boolean {
  return (
    (one.maintenanceUntil === null) === (other.maintenanceUntil === null) &&
    one.synchronisationPaused === other.synchronisationPaused &&
    one.automatic === other.automatic
  )
}

/** Why nobody takes over by itself, in words; null when a server may. */
export function automaticProblem({ automatic }: Modes): string | null {
  switch (automatic) {
    case 'on':
      return null
    case 'off':
      return 'automatic take-over is switched off'
    case 'held':
      return 'the role has changed too often, so automatic take-over waits for the administrator'
  }
}
