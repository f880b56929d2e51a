import { BATCH_STEPS, type BatchStep } from '../../plugin/replication/batch-step.ts'

export const VICTIMS = [
  'active database',
  'standby database',
  'standby agent',
  'active agent',
  'connection',
] as const

/** A small batch by keys; one with a whole table in it; the copy of everything. */
export const PHASES = ['quick', 'full', 'copy'] as const

export interface Cell {
  readonly phase: (typeof PHASES)[number]
  readonly step: BatchStep
  readonly victim: (typeof VICTIMS)[number]
  readonly synchronousCommit: 'on' | 'off'
}

/** Every victim at every step that a phase has, with both kinds of commit. */
export function allCells(): readonly Cell[] {
  return PHASES.flatMap((phase) =>
    BATCH_STEPS.filter(
      (step) => phase !== 'copy' || !['keysRead', 'purged'].includes(step),
    ).flatMap((step) =>
      VICTIMS.flatMap((victim) =>
        (['on', 'off'] as const).map((synchronousCommit) => ({
          phase,
          step,
          victim,
          synchronousCommit,
        })),
      ),
    ),
  )
}

/** Every phase with every step, victims and commits in turn; `share` 2 is half of all cells. */
export function someCells(share: number): readonly Cell[] {
  const perStep = VICTIMS.length * 2
  // The step's own number shifts the choice, so that not every step has the same victims.
  return allCells().filter((_, index) => (index * 3 + Math.floor(index / perStep)) % share === 0)
}

export function cellName(cell: Cell): string {
  return `${cell.phase}, ${cell.step}: ${cell.victim}, synchronous_commit ${cell.synchronousCommit}`
}
