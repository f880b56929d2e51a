import { createSocket } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'
import type { BatchRunner } from './batch-runner.ts'

interface NeighbourEntry {
  /** In lower case. */
  readonly hardware: string | null
  readonly state: string
}

/** Nothing listens there as a rule; only the resolution of the address matters. */
const DISCARD_PORT = 9
const LOOK_EVERY_MS = 10

/** The kernel's table of neighbours on one interface: asks by ARP or neighbour discovery without a raw socket. */
export interface Neighbours {
  /** Who answers for an address now, null when nobody does. Forgets what the kernel knew of it. */
  resolve(address: string, timeoutMs: number): Promise<string | null>
  /** Whether the neighbour answers now. What is known is verified and not dropped: traffic to it goes on. */
  answers(address: string, timeoutMs: number): Promise<boolean>
  /** What the kernel remembers. */
  known(address: string): Promise<string | null>
  /** How packets to the address leave: on this interface without a router, or else. */
  way(address: string): Promise<'onLink' | 'routed' | 'own' | 'none'>
}

export function createNeighbours(interfaceName: string, ip: BatchRunner): Neighbours {
  async function read(address: string): Promise<NeighbourEntry | null> {
    return readNeighbour(await ip.run(`neigh show to ${address} dev ${interfaceName}`))
  }

  async function awaitEntry(
    address: string,
    timeoutMs: number,
    wanted: (entry: NeighbourEntry) => boolean,
  ): Promise<string | null> {
    const until = performance.now() + timeoutMs
    for (;;) {
      const entry = await read(address)
      if (entry?.state === 'FAILED') return null
      if (entry?.hardware != null && wanted(entry)) return entry.hardware
      if (performance.now() >= until) return null
      await delay(LOOK_EVERY_MS)
    }
  }

  async function resolve(address: string, timeoutMs: number): Promise<string | null> {
    await ip.run(`neigh del ${address} dev ${interfaceName}`).catch(() => undefined) // none there is fine
    await sendDatagram(address, interfaceName)
    return awaitEntry(address, timeoutMs, () => true)
  }

  return {
    resolve,
    async answers(address, timeoutMs) {
      const hardware = (await read(address))?.hardware
      if (hardware == null) return (await resolve(address, timeoutMs)) !== null
      await ip.run(`neigh replace ${address} lladdr ${hardware} dev ${interfaceName} nud probe`)
      const reachable = (entry: NeighbourEntry) => entry.state === 'REACHABLE'
      return (await awaitEntry(address, timeoutMs, reachable)) !== null
    },
    known: async (address) => (await read(address))?.hardware ?? null,
    async way(address) {
      const route = await ip.run(`route get ${address}`).catch(() => '')
      if (route.startsWith('local ')) return 'own'
      if (route === '') return 'none'
      return route.includes(' via ') || !route.includes(` dev ${interfaceName} `)
        ? 'routed'
        : 'onLink'
    },
  }
}

/** `10.0.0.1 dev eth0 lladdr 02:… REACHABLE`, or without lladdr while nobody has answered. */
export function readNeighbour(printed: string): NeighbourEntry | null {
  const words = printed.split('\n')[0]?.trim().split(/\s+/) ?? []
  const state = words.at(-1)
  if (words.length < 2 || state === undefined) return null
  const at = words.indexOf('lladdr')
  return { state, hardware: at === -1 ? null : (words[at + 1]?.toLowerCase() ?? null) }
}

function sendDatagram(address: string, interfaceName: string): Promise<void> {
  const isV6 = address.includes(':')
  const socket = createSocket(isV6 ? 'udp6' : 'udp4')
  const scoped = isV6 && address.startsWith('fe80:') ? `${address}%${interfaceName}` : address
  return new Promise((resolve) => {
    socket.once('error', () => resolve()) // no route: nobody will answer, which the table then says
    socket.send('', DISCARD_PORT, scoped, () => socket.close(() => resolve()))
  })
}
