import { createSocket } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'
import { readIp, runIp } from './ip-command.ts'

interface NeighbourEntry {
  readonly lladdr?: string
  readonly state?: readonly string[]
}

/** Nothing listens there as a rule; only the resolution of the address matters. */
const DISCARD_PORT = 9
const LOOK_EVERY_MS = 10

/**
 * The hardware address that answers for an IP address on the LAN now, null when nobody does. Asks by the kernel's own
 * ARP or neighbour discovery, for which no raw socket and no further program is needed.
 */
export async function resolveNeighbour(
  address: string,
  interfaceName: string,
  timeoutMs: number,
): Promise<string | null> {
  await runIp(['neigh', 'del', address, 'dev', interfaceName]).catch(() => undefined) // none there is fine
  await sendDatagram(address, interfaceName)
  return awaitEntry(address, interfaceName, timeoutMs, (entry) => entry.lladdr !== undefined)
}

/**
 * Whether the neighbour answers now. An entry that is known is verified and not dropped, because the traffic to it,
 * the gateway as a rule, goes on meanwhile.
 */
export async function neighbourAnswers(
  address: string,
  interfaceName: string,
  timeoutMs: number,
): Promise<boolean> {
  const known = await readNeighbour(address, interfaceName)
  if (known?.lladdr === undefined)
    return (await resolveNeighbour(address, interfaceName, timeoutMs)) !== null
  const { lladdr } = known
  await runIp(['neigh', 'replace', address, 'lladdr', lladdr, 'dev', interfaceName, 'nud', 'probe'])
  const found = await awaitEntry(
    address,
    interfaceName,
    timeoutMs,
    (entry) => entry.state?.includes('REACHABLE') === true,
  )
  return found !== null
}

/** The hardware address that the kernel remembers; null when it knows none. */
export async function knownNeighbour(
  address: string,
  interfaceName: string,
): Promise<string | null> {
  return (await readNeighbour(address, interfaceName))?.lladdr ?? null
}

async function awaitEntry(
  address: string,
  interfaceName: string,
  timeoutMs: number,
  wanted: (entry: NeighbourEntry) => boolean,
): Promise<string | null> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const entry = await readNeighbour(address, interfaceName)
    if (entry?.state?.includes('FAILED') === true) return null
    if (entry?.lladdr !== undefined && wanted(entry)) return entry.lladdr
    if (performance.now() >= until) return null
    await delay(LOOK_EVERY_MS)
  }
}

async function readNeighbour(
  address: string,
  interfaceName: string,
): Promise<NeighbourEntry | null> {
  const entries = await readIp(['neigh', 'show', 'to', address, 'dev', interfaceName])
  return (entries[0] as NeighbourEntry | undefined) ?? null
}

function sendDatagram(address: string, interfaceName: string): Promise<void> {
  const isV6 = address.includes(':')
  const socket = createSocket(isV6 ? 'udp6' : 'udp4')
  const scoped = isV6 && address.startsWith('fe80:') ? `${address}%${interfaceName}` : address
  return new Promise((resolve) => {
    socket.once('error', () => resolve()) // no route: nobody will answer, which the neighbour table then says
    socket.send('', DISCARD_PORT, scoped, () => socket.close(() => resolve()))
  })
}
