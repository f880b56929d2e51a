import { type Logger, silentLogger } from '../../logger.ts'
import type { VirtualIpDriver } from '../../ports.ts'
import { announceAddress } from './announce.ts'
import { readCarrier } from './carrier.ts'
import { readIp, runIp } from './ip-command.ts'
import { knownNeighbour, neighbourAnswers, resolveNeighbour } from './neighbours.ts'

export interface KernelVirtualIpOptions {
  /** IPv4 or IPv6. */
  readonly address: string
  readonly interfaceName: string
  /** The peer's own address: tells the peer from a stranger that answers for the virtual IP. */
  readonly peerAddress: string | null
  readonly logger?: Logger
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
  const { address, interfaceName, logger = silentLogger } = options
  const isV6 = address.includes(':')
  const prefixed = `${address}/${isV6 ? 128 : 32}`
  let raised = false

  const isThere = async (): Promise<boolean> => {
    const links = await readIp(['addr', 'show', 'dev', interfaceName, 'to', prefixed])
    return links.some((link) => ((link as { addr_info?: unknown[] }).addr_info?.length ?? 0) > 0)
  }
  const probe = async (): Promise<ProbeResult> => {
    if ((await readCarrier(interfaceName)) === false) return 'notBelievable'
    if (await isThere()) return 'free'
    for (let attempt = 0; attempt < PROBES; attempt++) {
      const holder = await resolveNeighbour(address, interfaceName, PROBE_TIMEOUT_MS)
      if (holder !== null) return whoHolds(holder, options)
    }
    return (await readCarrier(interfaceName)) === false ? 'notBelievable' : 'free'
  }

  return {
    name: 'kernel',
    async raise(leaseMs) {
      const seconds = String(Math.max(1, Math.floor(leaseMs / 1000)))
      const wasMissing = raised && !(await isThere())
      // `replace` also adds: after a link went down, the kernel has removed an IPv6 address.
      await runIp([
        ...['addr', 'replace', prefixed, 'dev', interfaceName],
        ...[
          'valid_lft',
          seconds,
          'preferred_lft',
          isV6 ? '0' : seconds,
          ...(isV6 ? ['nodad'] : []),
        ],
      ])
      raised = true
      return { wasMissing }
    },
    async drop() {
      raised = false
      if (await isThere()) await runIp(['addr', 'del', prefixed, 'dev', interfaceName])
    },
    async announce() {
      await announceAddress(address, interfaceName).catch((error: unknown) => {
        logger.warn({ err: error, address }, 'the virtual IP could not be announced')
      })
    },
    probe,
    held: isThere,
    carrierUp: async () => (await readCarrier(interfaceName)) ?? true,
    async anyReferenceAnswers(addresses, timeoutMs) {
      const answers = addresses.map((each) =>
        neighbourAnswers(each, interfaceName, timeoutMs).catch(() => false),
      )
      return (await Promise.all(answers)).includes(true)
    },
    close: () => Promise.resolve(), // The lease stays: an agent that is back before it ends adopts it.
  }
}

async function whoHolds(
  hardware: string,
  { peerAddress, interfaceName }: KernelVirtualIpOptions,
): Promise<ProbeResult> {
  if (peerAddress === null) return 'heldByStranger'
  const peer =
    (await knownNeighbour(peerAddress, interfaceName)) ??
    (await resolveNeighbour(peerAddress, interfaceName, PROBE_TIMEOUT_MS))
  return peer === hardware ? 'heldByPeer' : 'heldByStranger'
}
