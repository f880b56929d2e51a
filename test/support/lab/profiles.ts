import { shortestDeadTimeMs } from '../../../plugin/core/timing.ts'
import { clockFaults } from './clock-faults.ts'
import type { Times } from './faults.ts'
import type { LabPairOptions } from './pair.ts'

/** Times that an administrator may set, and the faults that are tried with them. */
export interface Profile {
  readonly name: string
  readonly pair: Pick<LabPairOptions, 'keepAliveMs' | 'deadTimeMs' | 'gate' | 'witness' | 'clocks'>
  readonly times: Times
  readonly faults: 'all' | readonly string[]
}

/** Those whose length depends on the times. */
const FAILURES = [
  'kill -9 of everything',
  'SIGSTOP of everything',
  'power off',
  'cable of the active cut',
  'link of the active silent',
]
const WITH_WITNESS = [
  'kill -9 of everything',
  'link of the active silent',
  'the servers cut off from each other, both see gateway and witness',
  'the servers cut off from each other, then the active dies',
  'the witness dies',
]
const CLOCKS = clockFaults({ deadMs: 0 }).map(({ name }) => name)
const SHORTEST_KEEP_ALIVE_MS = 100
const DEFAULT_TIMES = { keepAliveMs: 500, deadTimeMs: 5000 } as const

export const PROFILES: readonly Profile[] = [
  profile('default times', 'all', DEFAULT_TIMES),
  profile('default times and a witness', WITH_WITNESS, { ...DEFAULT_TIMES, witness: true }),
  profile('default times and clocks that jump', CLOCKS, { ...DEFAULT_TIMES, clocks: true }),
  profile('fastest times of an address', FAILURES, {
    keepAliveMs: SHORTEST_KEEP_ALIVE_MS,
    deadTimeMs: shortestDeadTimeMs(SHORTEST_KEEP_ALIVE_MS),
  }),
  profile('fastest times of a gate', FAILURES, {
    keepAliveMs: SHORTEST_KEEP_ALIVE_MS,
    deadTimeMs: shortestDeadTimeMs(SHORTEST_KEEP_ALIVE_MS, true),
    gate: true,
  }),
]

function profile(
  name: string,
  faults: Profile['faults'],
  pair: Required<Pick<LabPairOptions, 'keepAliveMs' | 'deadTimeMs'>> &
    Pick<LabPairOptions, 'gate' | 'witness' | 'clocks'>,
): Profile {
  return { name, faults, pair, times: { deadMs: pair.deadTimeMs } }
}
