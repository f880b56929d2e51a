import { apart, type Times, UNNOTICED_MS } from './faults.ts'
import type { Scenario } from './scenario.ts'

/** What a third party changes: a server serves with two out of three. */
export function witnessFaults({ deadMs }: Times): Scenario[] {
  const unmoved = { moves: false, lastsMs: deadMs + 2500, outageLimitMs: UNNOTICED_MS } as const
  return [
    {
      name: 'the servers cut off from each other, both see gateway and witness',
      expected: 'the active keeps the role at the witness and goes on; the standby does not claim',
      fault: apart,
      ...unmoved,
    },
    {
      name: 'the servers cut off from each other, then the active dies',
      expected: 'its role at the witness ends, and the standby takes over with it',
      async fault(story) {
        await apart(story)
        await story.active.kill('everything')
      },
      moves: true,
      lastsMs: deadMs + 2000,
      outageLimitMs: deadMs + 500,
    },
    {
      name: 'the witness dies',
      expected: 'nothing: the servers hear each other',
      async fault({ pair }) {
        if (pair.witness === null) throw new Error('this pair has no witness')
        await pair.witness.kill()
      },
      ...unmoved,
    },
  ]
}
