import { join } from 'node:path'
import { findProgram } from '../agent/find-program.ts'
import { readFreeDiskBytes } from '../agent/kernel-facts.ts'
import { runCommand } from '../agent/run-command.ts'
import { proveKernelRight, proveListenRight } from '../agent/virtual-ip/may-raise.ts'
import type { DrillStep, DrillStepId } from '../api/drill-report.ts'
import { LARGEST_CLOCK_DIFFERENCE_MS, LEAST_FREE_DISK_BYTES } from '../core/check-requirements.ts'
import { HotStandbyError } from '../errors.ts'
import { removeDurably, writeDurably, WRITE_REMEDY } from '../files/durable-file.ts'
import type { NodeContext } from './node-context.ts'
import { buildStatus } from './status.ts'

export interface Found {
  readonly detail: string
  readonly result?: DrillStep['result']
  /** When it failed, in place of the step's own. */
  readonly remedy?: string
}

interface Definition {
  readonly title: string
  readonly remedy: string
  /** What throws has failed, with the error's message and remedy. */
  readonly run: (node: NodeContext) => Promise<Found>
}

const DRAIN_MS = 30_000
const LINE_LOOK_MS = 200
const REFERENCE_MS = 1000
const LEAST_STATE_BYTES = 16 * 1024 ** 2
const MIB = 1024 ** 2

/** What a take-over needs of the standby, tried in this order; none of it changes who serves. */
export const DRILL_STEPS: Readonly<Record<DrillStepId, Definition>> = {
  blockers: {
    title: 'Nothing stands against a take-over',
    remedy: 'See the blockers of the status.',
    run: (node) => Promise.resolve(blockers(node)),
  },
  peer: {
    title: 'The active server answers',
    remedy: 'Repair the other server, and check the network between the two.',
    async run(node) {
      const { facts } = await node.client.hello(await node.hello())
      return { detail: facts.hostName }
    },
  },
  drain: {
    title: 'The last changes are applied in time',
    remedy: 'Look at the load of both servers and at the lag on the status page.',
    async run(node) {
      await node.engine.applyUpTo(await node.client.currentPosition(), DRAIN_MS)
      return { detail: 'everything that was written before is here' }
    },
  },
  data: {
    title: 'The data is in sync and the same at one cut',
    remedy: 'Give the standby the rows of the active: `hot-standby check --repair`.',
    run: compareData,
  },
  carrier: {
    title: 'The network cable is connected',
    remedy: 'Connect the LAN port of this server.',
    run: async ({ virtualIp }) =>
      (await virtualIp.carrierUp())
        ? { detail: 'the interface has a carrier' }
        : failed('the interface has no carrier'),
  },
  reference: {
    title: 'A reference address answers',
    remedy: 'Check the gateway and the reference addresses in the settings.',
    run: askReferences,
  },
  virtualIp: {
    title: 'The virtual IP is answered by the active server',
    remedy: 'Find out which device answers for the virtual IP, and whether the active holds it.',
    run: probe,
  },
  lease: {
    title: 'This server may set the virtual IP',
    remedy: 'Check the interface and the rights of the agent.',
    run: proveRight,
  },
  services: {
    title: 'The commands of the telephony service would run',
    remedy: 'Correct the commands of `services` in the configuration.',
    run: tryCommands,
  },
  term: {
    title: 'The term can be written',
    remedy: WRITE_REMEDY,
    async run({ config }) {
      const path = join(config.stateDirectory, 'drill.probe')
      await writeDurably(path, 'A rehearsal writes this, and removes it.\n')
      await removeDurably(path)
      return { detail: config.stateDirectory }
    },
  },
  disk: {
    title: 'The disks have room',
    remedy: 'Make room on the disk of the database and of the state directory.',
    run: measureDisks,
  },
  clock: {
    title: 'The clocks agree',
    remedy: 'Turn on network time (NTP) on both servers.',
    run: compareClocks,
  },
  mail: {
    title: 'Mail can be sent',
    remedy: 'Check `smtp` in the configuration, and the mail server.',
    async run({ notifier }) {
      const verified = await notifier.verifyMail()
      if (verified === null) return skipped('mail does not go by SMTP from here')
      const { failure } = verified
      return failure === null ? { detail: 'the mail server takes mails' } : failed(failure)
    },
  },
}

function failed(detail: string, remedy?: string): Found {
  return { detail, result: 'failed', ...(remedy === undefined ? {} : { remedy }) }
}

function skipped(detail: string): Found {
  return { detail, result: 'skipped' }
}

function blockers(node: NodeContext): Found {
  const { blockers: standing } = buildStatus(node)
  if (standing.length === 0) return { detail: 'there is no blocker' }
  const of = (part: 'reason' | 'remedy', between: string): string =>
    standing.map((blocker) => blocker[part]).join(between)
  return failed(of('reason', '; '), of('remedy', ' '))
}

/** A comparison waits for the active for ever, so this one is given up when the line to it is lost. */
async function compareData({ engine }: NodeContext): Promise<Found> {
  const notSound = (): string | null => {
    const { phase, inSync, reason } = engine.status()
    return inSync && phase === 'streaming' ? null : `the standby is not in sync: ${reason}`
  }
  const wait = 'Wait until it has caught up; it is tried again by itself.'
  const before = notSound()
  if (before !== null) return failed(before, wait)
  const comparing = engine.check({ repair: false })
  let timer: NodeJS.Timeout | undefined
  const lost = new Promise<null>((resolve) => {
    timer = setInterval(() => {
      if (engine.status().phase !== 'streaming') resolve(null)
    }, LINE_LOOK_MS)
  })
  const report = await Promise.race([comparing, lost]).finally(() => clearInterval(timer))
  if (report === null) return failed(notSound() ?? 'the line to the active server was lost', wait)
  const { tables, rows, differences } = report
  if (differences.length > 0)
    return failed(`different: ${differences.map(({ table }) => table).join(', ')}`)
  return { detail: `${tables} tables, ${rows} rows are identical` }
}

async function askReferences({ virtualIp, settings }: NodeContext): Promise<Found> {
  const addresses = settings.current().pair?.referenceAddresses ?? []
  if (addresses.length === 0) return failed('none is set')
  const list = addresses.join(', ')
  return (await virtualIp.anyReferenceAnswers(addresses, REFERENCE_MS))
    ? { detail: list }
    : failed(`none of ${list}`)
}

async function probe({ virtualIp }: NodeContext): Promise<Found> {
  const answer = await virtualIp.probe()
  switch (answer) {
    case 'heldByPeer':
      return { detail: 'the active server answers for it' }
    case 'heldByStranger':
      return failed('another device answers for it', 'Remove the address from the other device.')
    case 'free':
      return failed('nobody answers for it')
    case 'notBelievable':
      return failed('this server could not ask for it')
  }
}

async function proveRight({ config, settings }: NodeContext): Promise<Found> {
  const { pair, server } = settings.current()
  if (pair === null) throw new HotStandbyError('HS_NOT_SET_UP')
  const { network } = config
  if (network.driver === 'kernel') {
    await proveKernelRight(server?.networkInterface ?? network.interface)
    return { detail: 'the kernel lets this agent set addresses' }
  }
  await proveListenRight(network.listenAddress ?? pair.virtualIp.address)
  return { detail: 'the address can be listened on' }
}

/** `start` and `stop` are only looked for; `health` only asks, so it runs, and its answer does not count here. */
async function tryCommands({ config: { services } }: NodeContext): Promise<Found> {
  const { start, stop, health, calls, timeoutMs } = services
  const given = Object.entries({ start, stop, health, calls }).filter(
    (entry): entry is [string, string[]] => entry[1] !== undefined,
  )
  if (given.length === 0) return skipped('no command is configured')
  for (const [name, [program = '']] of given)
    if ((await findProgram(program)) === null)
      return failed(`services.${name}: ${program} is not a program that can be started`)
  if (health === undefined) return { detail: `${namesOf(given)} can be started` }
  const { status, failure } = await runCommand(health, { timeoutMs })
  if (failure !== null) return failed(`services.health did not end within ${timeoutMs} ms`)
  const says = status === 0 ? 'healthy' : 'not running, as on a standby'
  return { detail: `${namesOf(given)} can be started; health says: ${says}` }
}

function namesOf(given: readonly (readonly [string, unknown])[]): string {
  return given.map(([name]) => name).join(', ')
}

async function measureDisks({ config, facts }: NodeContext): Promise<Found> {
  const state = await readFreeDiskBytes(config.stateDirectory)
  const { freeDiskBytes: database } = await facts.read()
  const detail = `database ${Math.floor(database / MIB)} MiB, state directory ${Math.floor(state / MIB)} MiB free`
  const isEnough = database >= LEAST_FREE_DISK_BYTES && state >= LEAST_STATE_BYTES
  return isEnough ? { detail } : failed(detail)
}

/** Against the middle of the time that the question took. */
async function compareClocks({ client, hello }: NodeContext): Promise<Found> {
  const own = await hello()
  const asked = Date.now()
  const { facts } = await client.hello(own)
  const difference = Math.round(facts.clockMs - (asked + Date.now()) / 2)
  const detail = `the other clock is ${difference} ms away`
  return Math.abs(difference) <= LARGEST_CLOCK_DIFFERENCE_MS ? { detail } : failed(detail)
}
