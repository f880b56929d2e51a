import { waitUntil } from '../wait-until.ts'
import { BEYOND_DEAD_MS, type Times, UNNOTICED_MS } from './faults.ts'
import type { Scenario, Story } from './scenario.ts'
import type { LabServer } from './server.ts'

const HOUR_SECONDS = 3600
const JUMPS = { ahead: HOUR_SECONDS, back: -HOUR_SECONDS } as const
const SEEN_LIMIT_MS = 10_000

/** Wall clocks that jump: nothing may depend on them but what is shown. */
export function clockFaults({ deadMs }: Times): Scenario[] {
  const jumps = (['active', 'standby'] as const).flatMap((who) =>
    (['ahead', 'back'] as const).map((where): Scenario => ({
      name: `wall clock of the ${who} an hour ${where}`,
      expected: 'no take-over, nobody notices; a requirement tells of it',
      fault: (story) => jump(story[who], where, story),
      mend: (story) => setRight(story),
      moves: false,
      lastsMs: deadMs + 3000,
      outageLimitMs: UNNOTICED_MS,
    })),
  )
  return [
    ...jumps,
    {
      name: 'wall clock of the standby an hour back, then the active dies',
      expected: 'the standby takes over all the same',
      async fault(story) {
        await jump(story.standby, 'back', story)
        await story.active.kill('everything')
      },
      mend: (story) => setRight(story),
      moves: true,
      lastsMs: 0,
      // The clock is looked at for a while before the active dies.
      outageLimitMs: deadMs + BEYOND_DEAD_MS,
    },
  ]
}

/** Until database and agent of the server go by it, and the pair has noticed. */
async function jump(server: LabServer, where: keyof typeof JUMPS, story: Story): Promise<void> {
  const seconds = JUMPS[where]
  server.setClock(seconds)
  const isOff = (ms: number): boolean => Math.abs(ms - seconds * 1000) < 60_000
  await waitUntil(
    `${server.name} goes by its clock`,
    async () => {
      const [row] = await server.sql<{ now: Date }>('select clock_timestamp() as now')
      return row !== undefined && isOff(row.now.getTime() - Date.now())
    },
    SEEN_LIMIT_MS,
  )
  await waitUntil(
    'the clocks that differ are told',
    async () => {
      const status = await story.active.status()
      return status?.requirements.some(({ id, met }) => id === 'clockDifference' && !met) === true
    },
    SEEN_LIMIT_MS,
  )
}

function setRight({ active, standby }: Story): Promise<void> {
  active.setClock(0)
  standby.setClock(0)
  return Promise.resolve()
}
