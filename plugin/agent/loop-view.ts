import type { CoreSettings } from '../core/decision.ts'
import type { Event } from '../core/event.ts'
import type { Identity } from '../core/facts.ts'
import type { InitialInput } from '../core/initial-state.ts'
import { DEFAULT_ROLE_CHANGES_PER_HOUR } from '../core/modes.ts'
import type { PairSettings } from '../core/settings.ts'
import type { OwnView, State, StateName } from '../core/state.ts'
import {
  DEFAULT_DEAD_TIME_MS,
  DEFAULT_KEEP_ALIVE_INTERVAL_MS,
  deriveTiming,
  type Timing,
} from '../core/timing.ts'
import type { Logger } from '../logger.ts'
import type { AgentPorts, DurableState } from './agent-ports.ts'

export interface AgentLoopInput {
  readonly ports: AgentPorts
  readonly identity: Identity
  /** Null until the pair has settings; needed before `setPaired(true)`. */
  readonly settings: PairSettings | null
  readonly paired: boolean
  /** What an earlier life left on disk, to be shown until the loop starts and reads it anew. */
  readonly durable?: DurableState | null
  /** The pair begins with the data of this server; of the primary unless told. */
  readonly startsPair?: boolean
  readonly logger?: Logger
  /** What is known of this server before the first observation. */
  readonly own?: Partial<OwnView>
  readonly serviceHealthIntervalMs?: number
  readonly roleChangesPerHour?: number
  /** Unix time in ms; only to keep the end of maintenance mode and the times of role changes across restarts. */
  readonly wallClock?: () => number
  /** A broken invariant: the address was dropped and the loop has stopped; the process should end. */
  readonly onFatal?: (error: Error) => void
}

export interface LoopView {
  readonly state: State
  /** Why the present state was entered. */
  readonly reason: string
  /** What the core thinks now: why it stays. */
  readonly thought: string
  /** Monotonic time of the entry. */
  readonly since: number
  /** Newest last. */
  readonly history: readonly TransitionRecord[]
  readonly timing: Timing
}

export interface TransitionRecord {
  readonly at: number
  readonly from: StateName
  readonly to: StateName
  readonly event: Event['type']
  readonly reason: string
}

/** What is known when the agent starts, or before it has. */
export type FirstKnown = Pick<InitialInput, 'paired'> &
  Partial<Omit<InitialInput, 'own'>> & { readonly own?: Partial<OwnView> }

const HISTORY_LENGTH = 100

/** The history with one more record; the oldest ones are forgotten. */
export function withRecord(
  history: readonly TransitionRecord[],
  record: TransitionRecord,
): readonly TransitionRecord[] {
  return [...history, record].slice(-HISTORY_LENGTH)
}

/** What a server believes of itself before it has looked. */
export const FIRST_VIEW: OwnView = {
  carrierUp: true,
  referenceAnsweredAt: null,
  databaseUp: true,
  serviceHealthy: true,
  diskWritable: true,
  dataInSync: false,
  holdsVirtualIp: false,
  referenceReachable: null,
}

export function timingOf(settings: PairSettings | null): Timing {
  return deriveTiming(
    settings ?? {
      keepAliveIntervalMs: DEFAULT_KEEP_ALIVE_INTERVAL_MS,
      deadTimeMs: DEFAULT_DEAD_TIME_MS,
    },
  )
}

/** What the core decides by, of the pair and of this server. */
export function coreSettings(
  timing: Timing,
  settings: PairSettings | null,
  input: Pick<AgentLoopInput, 'ports' | 'roleChangesPerHour'>,
): CoreSettings {
  return {
    timing,
    coldStartAlone: settings?.coldStartAlone ?? false,
    roleChangesPerHour: input.roleChangesPerHour ?? DEFAULT_ROLE_CHANGES_PER_HOUR,
    witness: input.ports.witness !== undefined,
  }
}

/** A page or a waiting caller would see the difference. */
export function isVisible(before: State, after: State): boolean {
  const stepOf = (state: State): string => ('step' in state ? state.step : '')
  return (
    before.name !== after.name ||
    stepOf(before) !== stepOf(after) ||
    before.shared.term !== after.shared.term ||
    before.shared.own !== after.shared.own ||
    before.shared.modes !== after.shared.modes ||
    before.shared.peer.report?.state !== after.shared.peer.report?.state ||
    before.shared.alarms !== after.shared.alarms
  )
}
