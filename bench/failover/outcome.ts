/** Faults that both kinds of pair are put through; named as in the lab. */
export const FAULTS = [
  'planned switchover',
  'kill -9 of the agent',
  'kill -9 of everything',
  'SIGSTOP of everything',
  'power off',
  'cable of the active cut',
  'link of the active silent',
] as const

export type Fault = (typeof FAULTS)[number]

/** One run of one fault. */
export interface Run {
  readonly outageMs: number
  readonly bothHeldMs: number
  readonly requestsFailed: number
}

export interface Outcome {
  readonly system: string
  readonly fault: Fault
  readonly runs: readonly Run[]
}
