import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { LabProcess } from '../namespaces.ts'
import { waitUntil } from '../wait-until.ts'
import { answeredIntervals, heldIntervals, type HeldInterval } from './holder-log.ts'
import { labWitness, type LabWitness } from './lab-witness.ts'
import { ADDRESSES, GATEWAY, openNetwork, type LabNetwork, VIRTUAL_IP } from './network.ts'
import { isAnswered, parseRequests, type RequestRecord } from './request-log.ts'
import { API_TOKEN, LabServer, WEB_PORT } from './server.ts'

export interface LabPairOptions {
  readonly program: 'dist' | 'source'
  readonly keepAliveMs?: number
  readonly deadTimeMs?: number
  /** The gate of nftables before the address. */
  readonly gate?: boolean
  /** An etcd on the gateway. */
  readonly witness?: boolean
  /** The wall clocks of the servers can be set. */
  readonly clocks?: boolean
}

/** Client, gateway and two whole PBX servers, paired, with the client's requests under way. */
export interface LabPair {
  readonly network: LabNetwork
  readonly a: LabServer
  readonly b: LabServer
  readonly witness: LabWitness | null
  /** Mends the network and starts what does not run; a scenario mends what it did besides. */
  mend(): Promise<void>
  /** Mends, and waits until one is active, the other follows it, and clients are served. */
  settle(): Promise<Roles>
  /** Who is active and who is standby by what they say of themselves; null unless it is clear. */
  roles(): Promise<Roles | null>
  requests(): RequestRecord[]
  held(server: LabServer): HeldInterval[]
  close(): Promise<void>
}

export interface Roles {
  readonly active: LabServer
  readonly standby: LabServer
}

const SETTLE_LIMIT_MS = 90_000
const INTERVAL_MS = 10
const REQUEST_TIMEOUT_MS = 3000

/** Null, with the reason printed, where it cannot be built. */
export async function openPair(options: LabPairOptions): Promise<LabPair | null> {
  const network = await openNetwork()
  if (network === null) return null
  const folder = mkdtempSync(join(tmpdir(), 'hs-lab-'))
  chmodSync(folder, 0o755)
  const close = async (): Promise<void> => {
    await network.lab.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    return await build(network, folder, options, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  network: LabNetwork,
  folder: string,
  options: LabPairOptions,
  close: () => Promise<void>,
): Promise<LabPair> {
  const { a: hostA, b: hostB, client } = network.hosts
  const { program } = options
  const witness =
    options.witness === true
      ? labWitness(network.hosts.gateway, GATEWAY, join(folder, 'etcd'))
      : null
  await witness?.start()
  const common = { program, witness: witness?.config, hasClock: options.clocks === true }
  const a = new LabServer({ host: hostA, side: 'a', folder: join(folder, 'a'), ...common })
  const b = new LabServer({ host: hostB, side: 'b', folder: join(folder, 'b'), ...common })
  const monitors = new Map<LabServer, LabProcess>()
  for (const server of [a, b]) {
    await server.host.run('ip', 'route', 'add', 'default', 'via', GATEWAY)
    const monitor = options.gate === true ? await probe(network, server) : watchAddresses(server)
    monitors.set(server, monitor)
  }
  await Promise.all([a.install(), b.install()])
  await join_(a, b, options)
  const file = join(folder, 'requests')
  const words = { host: VIRTUAL_IP, port: WEB_PORT, token: API_TOKEN, file }
  const pace = { intervalMs: INTERVAL_MS, timeoutMs: REQUEST_TIMEOUT_MS }
  const script = join(import.meta.dirname, 'client.ts')
  const json = JSON.stringify({ ...words, ...pace })
  client.start(process.execPath, '--import=tsx', script, json)

  const requests = (): RequestRecord[] =>
    existsSync(file) ? parseRequests(readFileSync(file, 'utf8')) : []
  const roles = (): Promise<Roles | null> => rolesOf(a, b)
  const mend = async (): Promise<void> => {
    await Promise.all([network.mend(), witness?.start()])
    for (const server of [a, b]) server.restartsAgent = false
    await Promise.all([a.start(), b.start()])
  }
  const isServed = (server: LabServer): boolean => {
    const last = requests().slice(-20)
    return last.length === 20 && last.every((one) => isAnswered(one) && one.server === server.name)
  }
  return {
    network,
    a,
    b,
    witness,
    roles,
    requests,
    held(server) {
      const printed = monitors.get(server)?.output() ?? ''
      return options.gate === true ? answeredIntervals(printed) : heldIntervals(printed, VIRTUAL_IP)
    },
    close,
    mend,
    async settle() {
      await mend()
      let found: Roles | null = null
      await waitUntil(
        'one active, one standby that follows it, and the client served',
        async () => {
          found = await roles()
          return found !== null && (await isInSync(found)) && isServed(found.active)
        },
        SETTLE_LIMIT_MS,
      ).catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${await describe(a, b, requests())}`)
      })
      return found as unknown as Roles
    },
  }
}

function watchAddresses({ host }: LabServer): LabProcess {
  return host.watch('ip', '-ts', '-o', 'monitor', 'address')
}

/** Behind a gate an address can be there without being answered for: a host of its own asks this server for it. */
async function probe({ lab }: LabNetwork, { host, side }: LabServer): Promise<LabProcess> {
  const prober = await lab.addHost(`ask-${side}`, [`10.77.0.${side === 'a' ? 61 : 62}/24`])
  const entry = ['neigh', 'replace', VIRTUAL_IP, 'lladdr', await host.hardwareAddress()]
  await prober.run('ip', ...entry, 'dev', 'eth0', 'nud', 'permanent')
  const script = join(import.meta.dirname, 'prober.ts')
  return prober.start(process.execPath, '--import=tsx', script, VIRTUAL_IP)
}

async function join_(a: LabServer, b: LabServer, options: LabPairOptions): Promise<void> {
  const { keepAliveMs = 500, deadTimeMs = 5000 } = options
  const { accessCode } = await a.command(
    'setup',
    'primary',
    ...['--virtual-ip', `${VIRTUAL_IP}/24`, '--reference', GATEWAY],
    ...['--keep-alive', `${keepAliveMs}ms`, '--dead-time', `${deadTimeMs}ms`],
    ...(options.gate === true ? ['--gate'] : []),
    ...['--host-name', a.name, '--interface', 'eth0', '--peer', ADDRESSES.b],
  )
  await b.command('setup', 'secondary', '--host-name', b.name, '--interface', 'eth0')
  const whose = ['--keep-data-of', 'primary']
  await b.command('join', '--peer', ADDRESSES.a, '--access-code', String(accessCode), ...whose)
}

async function rolesOf(a: LabServer, b: LabServer): Promise<Roles | null> {
  const [ofA, ofB] = await Promise.all([a.status(), b.status()])
  const pair = `${ofA?.server.state ?? '-'} ${ofB?.server.state ?? '-'}`
  if (pair === 'active standby') return { active: a, standby: b }
  if (pair === 'standby active') return { active: b, standby: a }
  return null
}

/** The standby could take over now, by what both say. */
async function isInSync({ active, standby }: Roles): Promise<boolean> {
  const [serving, following] = await Promise.all([active.status(), standby.status()])
  if (serving === null || following === null) return false
  return (
    following.replication.phase === 'streaming' &&
    following.replication.inSync &&
    following.peer?.heard === true &&
    serving.peer?.heard === true &&
    serving.blockers.length === 0 &&
    following.blockers.length === 0
  )
}

async function describe(a: LabServer, b: LabServer, requests: RequestRecord[]): Promise<string> {
  const parts = await Promise.all(
    [a, b].map(async (server) => {
      const status = await server.status()
      const short =
        status === null
          ? 'does not answer'
          : {
              ...status.server,
              facts: undefined,
              ...status.replication,
              tables: undefined,
              blockers: status.blockers,
            }
      return `${server.name}: ${JSON.stringify(short)}\n${server.output()}`
    }),
  )
  return [
    ...parts,
    JSON.stringify(requests.slice(-3)),
    `after ${Math.round(performance.now())} ms`,
  ].join('\n')
}
