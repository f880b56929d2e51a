/** A rehearsal of a take-over: everything but the switch. */
export interface DrillReport {
  /** When it ended. */
  readonly at: string
  readonly durationMs: number
  /** Every step that was possible is well. */
  readonly ok: boolean
  /** The standby that was rehearsed. */
  readonly serverId: string
  readonly hostName: string
  readonly by: string | null
  readonly steps: readonly DrillStep[]
  /** How long applying the last changes took; null when that failed. */
  readonly drainMs: number | null
  /** How long users would wait, without the start of the telephony service; null when a step failed that it depends on. */
  readonly expectedOutage: {
    readonly plannedMs: number | null
    readonly failoverMs: number | null
  }
}

export type DrillStepId =
  | 'blockers'
  | 'peer'
  | 'data'
  | 'drain'
  | 'carrier'
  | 'reference'
  | 'virtualIp'
  | 'lease'
  | 'services'
  | 'term'
  | 'disk'
  | 'clock'
  | 'mail'

export interface DrillStep {
  readonly id: DrillStepId
  readonly title: string
  readonly result: 'ok' | 'failed' | 'skipped'
  readonly durationMs: number
  /** What was found, or why it was left out. */
  readonly detail: string
  readonly remedy: string | null
}
