import type { LabPair, Roles } from './pair.ts'

/** A fault, and what must come of it. Named after what the administrator would say. */
export interface Scenario {
  readonly name: string
  /** What is expected, in words, with the place that says so. */
  readonly expected: string
  fault(story: Story): Promise<void>
  /** What the general mending (network, processes) does not mend. */
  mend?(story: Story): Promise<void>
  /** Whether the standby takes over. */
  readonly moves: boolean
  /** How long the fault lasts at least. */
  readonly lastsMs: number
  /** The longest time without service while the fault lasts, beside the noise of the machine; null: not bounded. */
  readonly outageLimitMs: number | null
  /** How many requests may fail meanwhile, where that is promised. */
  readonly failedLimit?: number
  /** Both may hold the address, as in the one case that two servers alone cannot solve. */
  readonly mayHoldBoth?: boolean
  /** When given, the active server must be this one at first. */
  readonly activeSide?: 'a' | 'b'
}

export interface Story extends Roles {
  readonly pair: LabPair
}
