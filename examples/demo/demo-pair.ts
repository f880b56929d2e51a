import { type DemoAddresses, chooseAddresses, hostAndPort } from './addresses.ts'
import { type MailSink, startMailSink } from './mail-sink.ts'
import { type PbxServer, createPbxServer } from './pbx-server.ts'
import { createProcesses } from './processes.ts'

export const KEEP_ALIVE_MS = 500
export const DEAD_TIME_MS = 5000
export const CONTACT = 'Duty Officer <duty@example.com>'

/** Two PBX servers on this machine with everything that they need. */
export interface DemoPair {
  readonly addresses: DemoAddresses
  readonly virtualUrl: string
  readonly primary: PbxServer
  readonly secondary: PbxServer
  readonly mailSink: MailSink
  /** Sets both up, through the commands that an administrator types. */
  setUp(): Promise<void>
  /** Sets both up and pairs them with an access code. */
  pair(): Promise<void>
  destroy(): Promise<void>
}

/** Databases, platforms and agents run when this answers; they are not paired yet. */
export async function createDemoPair(tell: (line: string) => void): Promise<DemoPair> {
  const processes = await createProcesses()
  const servers: PbxServer[] = []
  let mailSink: MailSink | null = null
  const destroy = async (): Promise<void> => {
    await Promise.allSettled(servers.map((server) => server.destroy()))
    await mailSink?.close()
    await processes.close()
  }
  try {
    mailSink = await startMailSink()
    const demo = await chooseAddresses()
    const shared = { demo, processes, smtpPort: mailSink.port }
    const add = async (name: string, serialNumber: string, which: 'primary' | 'secondary') => {
      const server = await createPbxServer({
        ...shared,
        name,
        serialNumber,
        addresses: demo[which],
      })
      servers.push(server)
      tell(`${name}: PostgreSQL runs, the platform and the agent start …`)
      await server.install()
      return server
    }
    // Both to their end, also when one fails: what is still being started cannot be stopped.
    const [first, second] = await Promise.allSettled([
      add('pbx-a', 'EX-0000-0001', 'primary'),
      add('pbx-b', 'EX-0000-0002', 'secondary'),
    ])
    const primary = unwrap(first)
    const secondary = unwrap(second)
    return {
      addresses: demo,
      virtualUrl: `http://${demo.virtualHost}:${demo.virtualPort}`,
      primary,
      secondary,
      mailSink,
      setUp: () => setUp(demo, primary, secondary),
      async pair() {
        await setUp(demo, primary, secondary)
        await join(primary, secondary)
      },
      destroy,
    }
  } catch (thrown) {
    await destroy()
    throw thrown
  }
}

function unwrap<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

async function setUp(demo: DemoAddresses, primary: PbxServer, secondary: PbxServer): Promise<void> {
  await primary.command(
    'setup',
    'primary',
    '--no-access-code',
    ...['--virtual-ip', `${demo.virtualIp}/8`],
    ...['--keep-alive', `${KEEP_ALIVE_MS}ms`, '--dead-time', `${DEAD_TIME_MS}ms`],
    // The listener driver reaches reference addresses by the loopback interface.
    ...['--reference', demo.reference],
    ...['--contact', CONTACT, '--confirm-saves', '1s'],
    ...['--host-name', primary.name, '--interface', 'lo'],
    ...['--expected-serial', 'EX-0000-0002', '--peer', secondary.addresses.agentHost],
  )
  await secondary.command(
    'setup',
    'secondary',
    ...['--host-name', secondary.name, '--interface', 'lo'],
    ...['--expected-serial', 'EX-0000-0001', '--peer', primary.addresses.agentHost],
  )
}

async function join(primary: PbxServer, secondary: PbxServer): Promise<void> {
  const { accessCode } = await primary.command<{ accessCode: string }>('access-code')
  const { agentHost, agentPort } = primary.addresses
  const peer = hostAndPort(agentHost, agentPort)
  // Both example platforms come with rows of their own: whose are kept must be said.
  const keep = ['--keep-data-of', 'primary']
  await secondary.command('join', '--peer', peer, '--access-code', accessCode, ...keep)
}
