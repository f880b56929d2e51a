import { isIP } from 'node:net'
import { HotStandbyError } from '../../errors.ts'
import { type Logger, silentLogger } from '../../logger.ts'
import type { VirtualIpDriver } from '../../ports.ts'
import { foreignEntry, readAddressEntries, type AddressEntry } from './address-entries.ts'
import { announceOnce } from './announce.ts'
import { answersToArping, probeByArping } from './arping.ts'
import { createBurst } from './burst.ts'
import { readCarrier } from './carrier.ts'
import { createIpRunner } from './ip-runner.ts'
import type { BatchRunner } from './batch-runner.ts'
import { runIp } from './ip-command.ts'
import { createNeighbours, type Neighbours } from './neighbours.ts'
import { findNetworkTools, type NetworkTools } from './network-tools.ts'
import { createPeerHardware } from './peer-hardware.ts'
import { answersAtTcp } from './tcp-answer.ts'

export interface KernelVirtualIpOptions {
  /** IPv4 or IPv6. */
  readonly address: string
  readonly interfaceName: string
  /** The peer's own address: tells the peer from a stranger that answers for the virtual IP. */
  readonly peerAddress: string | null
  readonly logger?: Logger
  /** Found out by itself when not given. */
  readonly tools?: NetworkTools
}

type ProbeResult = Awaited<ReturnType<VirtualIpDriver['probe']>>

const PROBES = 3
const PROBE_TIMEOUT_MS = 60

/**
 * The virtual IP as a lease in the kernel: the address has a lifetime, so that a dead or hung agent loses it without
 * anyone's help. Always as /32 or /128: it must not vanish with another address of the subnet, and an IPv6 one must not
 * become the source of outgoing traffic (`preferred_lft 0`). We probe ourselves, hence `nodad`.
 */
export function createKernelVirtualIp(options: KernelVirtualIpOptions): VirtualIpDriver {
  checkNames(options)
  const { address, interfaceName, logger = silentLogger } = options
  const prefixLength = address.includes(':') ? 128 : 32
  const prefixed = `${address}/${prefixLength}`
  const ip = createIpRunner()
  const neighbours = createNeighbours(interfaceName, ip)
  const peer = createPeerHardware(options.peerAddress, neighbours)
  const tools = options.tools === undefined ? findTools(logger) : Promise.resolve(options.tools)
  const burst = createBurst(
    async () => announceOnce({ address, interfaceName, ip, tools: await tools }),
    (error) => logger.warn({ error, address }, 'the virtual IP could not be announced'),
  )
  let raised = false

  const entries = async (): Promise<readonly AddressEntry[]> =>
    readAddressEntries(await ip.run(`addr show to ${prefixed}`))
  const isThere = async (): Promise<boolean> =>
    (await entries()).some((entry) => entry.interfaceName === interfaceName)
  const carrierUp = (): Promise<boolean> => hasCarrier(interfaceName, ip)

  async function raise(leaseMs: number): Promise<{ readonly wasMissing: boolean }> {
    const before = await entries()
    const foreign = foreignEntry(before, { interfaceName, prefixLength, held: raised })
    if (foreign !== null) throw setUpByOthers(address, foreign)
    const wasMissing = raised && before.length === 0
    // `replace` also adds: after a link went down, the kernel has removed an IPv6 address.
    await ip.run(
      `addr replace ${prefixed} dev ${interfaceName} ${lifetime(leaseMs, prefixLength === 128)}`,
    )
    if (!(await isThere()))
      throw failure(`${prefixed} is not on ${interfaceName} after it was added`)
    raised = true
    return { wasMissing }
  }

  /** By a process of its own that we wait for: a child that dies with us would leave the address behind. */
  async function drop(): Promise<void> {
    raised = false
    burst.stop()
    try {
      await runIp(['addr', 'del', prefixed, 'dev', interfaceName])
    } catch (error) {
      if (await isThere()) throw error // otherwise it was gone already
    }
  }

  async function probe(): Promise<ProbeResult> {
    if (!(await carrierUp())) return 'notBelievable'
    if (await isThere()) return 'free'
    const holder = await findHolder(options, neighbours, (await tools).arping)
    if (holder === 'cannotAsk') return 'notBelievable'
    if (holder !== null) return (await peer.isPeer(holder)) ? 'heldByPeer' : 'heldByStranger'
    return (await carrierUp()) ? 'free' : 'notBelievable'
  }

  return {
    name: 'kernel',
    raise,
    drop,
    announce: () => burst.start(),
    probe,
    held: isThere,
    async carrierUp() {
      await peer.learn()
      return carrierUp()
    },
    async anyReferenceAnswers(addresses, timeoutMs) {
      const { arping } = await tools
      const questions = addresses.map((each) =>
        referenceAnswers(each, timeoutMs, { interfaceName, neighbours, arping }).catch(() => false),
      )
      return anyIsTrue(questions)
    },
    close() {
      burst.stop()
      ip.close() // The lease stays: an agent that is back before it ends adopts it.
      return Promise.resolve()
    },
  }
}

function lifetime(leaseMs: number, isV6: boolean): string {
  const seconds = Math.max(1, Math.floor(leaseMs / 1000))
  return isV6
    ? `valid_lft ${seconds} preferred_lft 0 nodad`
    : `valid_lft ${seconds} preferred_lft ${seconds}`
}

/** The hardware address that answers for the virtual IP; null when nobody does. */
async function findHolder(
  { address, interfaceName }: KernelVirtualIpOptions,
  neighbours: Neighbours,
  arping: boolean,
): Promise<string | null> {
  if (arping && !address.includes(':')) {
    const answer = await probeByArping(address, interfaceName)
    if (answer !== null) return answer.hardware
  }
  // The kernel asks on the interface of the route only: by another way "nobody answers" would mean nothing.
  if ((await neighbours.way(address)) !== 'onLink') return 'cannotAsk'
  for (let attempt = 0; attempt < PROBES; attempt++) {
    const holder = await neighbours.resolve(address, PROBE_TIMEOUT_MS)
    if (holder !== null) return holder
  }
  return null
}

/** On the LAN by ARP or neighbour discovery, which no firewall filters; beyond a router by TCP. */
async function referenceAnswers(
  address: string,
  timeoutMs: number,
  {
    interfaceName,
    neighbours,
    arping,
  }: {
    readonly interfaceName: string
    readonly neighbours: Neighbours
    readonly arping: boolean
  },
): Promise<boolean> {
  const way = await neighbours.way(address)
  if (way === 'routed') return answersAtTcp(address, timeoutMs)
  if (way !== 'onLink') return false // this server itself proves nothing
  const answer =
    arping && !address.includes(':')
      ? await answersToArping(address, interfaceName, timeoutMs)
      : null
  return answer ?? neighbours.answers(address, timeoutMs)
}

async function anyIsTrue(questions: readonly Promise<boolean>[]): Promise<boolean> {
  const yes = questions.map(async (question) => {
    if (!(await question)) throw new Error('no')
    return true
  })
  return Promise.any(yes).catch(() => false)
}

/** /sys shows another network namespace than ours in some containers; then `ip` knows. */
async function hasCarrier(interfaceName: string, ip: BatchRunner): Promise<boolean> {
  const carrier = await readCarrier(interfaceName)
  if (carrier !== null) return carrier
  const link = await ip.run(`link show dev ${interfaceName}`).catch(() => '')
  return link.includes('LOWER_UP')
}

async function findTools(logger: Logger): Promise<NetworkTools> {
  const tools = await findNetworkTools()
  for (const { name, consequence, remedy } of tools.missing)
    logger.warn({ tool: name, consequence, remedy }, 'a recommended program is missing')
  return tools
}

/** Both go into the input of `ip`, where a space or a line end would be another command. */
function checkNames({ address, interfaceName }: KernelVirtualIpOptions): void {
  if (isIP(address) === 0 || address.includes('%'))
    throw wrongField('virtualIp.address', address, 'is not an IP address')
  if (!/^[\w.@:-]{1,15}$/.test(interfaceName))
    throw wrongField('networkInterface', interfaceName, 'is not the name of an interface')
}

function wrongField(field: string, value: string, message: string): HotStandbyError {
  const remedy = 'Correct the settings.'
  return new HotStandbyError('HS_SETTINGS_INVALID', { fields: [{ field, value, message, remedy }] })
}

function setUpByOthers(address: string, entry: AddressEntry): HotStandbyError {
  const where = `${entry.interfaceName} as ${address}/${entry.prefixLength}`
  return failure(
    `the virtual IP is set up on ${where}, not by this agent`,
    'Remove it from the network configuration and from other programs that manage it (keepalived); the agent adds it itself.',
  )
}

function failure(reason: string, remedy?: string): HotStandbyError {
  return new HotStandbyError('HS_COMMAND_FAILED', {
    reason,
    ...(remedy === undefined ? {} : { remedy }),
  })
}
