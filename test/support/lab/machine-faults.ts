import { join } from 'node:path'
import { waitUntil } from '../wait-until.ts'
import type { Times } from './faults.ts'
import type { Scenario } from './scenario.ts'
import type { LabServer } from './server.ts'

/** A request whose first packet meets nobody comes again after a second; others are served meanwhile. */
const PLANNED_MS = 1000
/** Health is looked at every few seconds, and must be bad for a while before the role moves. */
const UNFIT_MS = 25_000
const BOOT_MS = 40_000
const HOGS = 4
const FLAPS = 3

/** What happens to whole machines, and what the administrator does on purpose. */
export function machineFaults({ deadMs }: Times): Scenario[] {
  const hogSeconds = Number(process.env['HOT_STANDBY_LAB_HOG_SECONDS'] ?? '20')
  return [
    {
      name: 'planned switchover',
      expected: 'everything is drained first, then the address moves',
      async fault({ standby }) {
        await standby.command('take-over')
      },
      moves: true,
      lastsMs: 0,
      outageLimitMs: PLANNED_MS,
      failedLimit: 0,
    },
    {
      name: `${HOGS} CPU hogs on each server`,
      expected: 'no take-over',
      async fault({ active, standby }) {
        await Promise.all([active, standby].map((server) => hog(server, hogSeconds)))
      },
      moves: false,
      lastsMs: 0,
      outageLimitMs: null,
    },
    {
      name: 'disk of the active full',
      expected: 'it hands over to the healthy standby, without a gap',
      fault: ({ active }) => fill(active),
      mend: ({ active }) => empty(active),
      moves: true,
      lastsMs: 0,
      outageLimitMs: UNFIT_MS,
    },
    {
      name: 'power lost and back on both servers at once',
      expected: 'the one that served goes on',
      async fault({ active, standby }) {
        await Promise.all([active.powerOff(), standby.powerOff()])
        await Promise.all([bootUp(active), bootUp(standby)])
        await serves(active)
      },
      moves: false,
      lastsMs: 0,
      outageLimitMs: null,
    },
    backAlone('active', 'the one that served', 'it serves alone after the initial dead time'),
    backAlone('standby', 'the standby', 'its data was in sync, so it serves alone, too'),
    {
      name: `the standby comes and goes ${FLAPS} times`,
      expected: 'the active goes on, nobody notices',
      async fault({ standby }) {
        for (let time = 0; time < FLAPS; time += 1) {
          await standby.kill('agent')
          await standby.startAgent()
        }
      },
      moves: false,
      lastsMs: deadMs,
      outageLimitMs: 300,
    },
  ]
}

function backAlone(who: 'active' | 'standby', words: string, expected: string): Scenario {
  const other = who === 'active' ? 'standby' : 'active'
  return {
    name: `power lost on both servers, ${words} comes back alone`,
    expected,
    async fault(story) {
      await Promise.all([story.active.powerOff(), story.standby.powerOff()])
      await bootUp(story[who])
      await serves(story[who])
    },
    mend: (story) => story[other].powerOn(),
    moves: who === 'standby',
    lastsMs: 0,
    outageLimitMs: null,
  }
}

async function hog(server: LabServer, seconds: number): Promise<void> {
  const loop = `timeout ${seconds} sh -c 'while :; do :; done'`
  await server.host.run('sh', '-c', `${`${loop} & `.repeat(HOGS)} wait`)
}

/** Until nothing more fits; what was written of the file before counts. */
async function fill({ host, stateDirectory }: LabServer): Promise<void> {
  const ballast = join(stateDirectory, 'ballast')
  await host.run('sh', '-c', `head -c 64m /dev/zero > '${ballast}' 2> /dev/null || true`)
}

async function empty({ host, stateDirectory }: LabServer): Promise<void> {
  await host.run('rm', '-f', join(stateDirectory, 'ballast'))
}

async function bootUp(server: LabServer): Promise<void> {
  await server.powerOn()
  await server.start()
}

async function serves(server: LabServer): Promise<void> {
  const isActive = async (): Promise<boolean> => (await server.status())?.server.state === 'active'
  await waitUntil(`${server.name} serves`, isActive, BOOT_MS)
}
