import { createServer } from 'node:net'
import { freePort } from './postgres-cluster.ts'

/** Where one server of the demo listens. */
export interface ServerAddresses {
  /** What the server says of itself; the requirement checks look at it. */
  readonly ownAddress: string
  /** Where web and database listen. */
  readonly host: string
  /** Where the agent listens, for its peer. */
  readonly agentHost: string
  readonly webPort: number
  readonly agentPort: number
}

export interface DemoAddresses {
  readonly primary: ServerAddresses
  readonly secondary: ServerAddresses
  readonly virtualIp: string
  /** Where the virtual IP can be reached on this machine. */
  readonly virtualHost: string
  readonly virtualPort: number
  /** Stands for the gateway: an address that answers and belongs to none of the pair. */
  readonly reference: string
}

const VIRTUAL_IP = '127.0.0.10'

/**
 * Linux has the whole of 127.0.0.0/8. Elsewhere only 127.0.0.1 and ::1 exist: ports tell the servers apart, the agents
 * meet at ::1, and 127.0.0.1 is the reference.
 */
export async function chooseAddresses(): Promise<DemoAddresses> {
  const wide =
    process.env['HOT_STANDBY_DEMO_ONE_ADDRESS'] === undefined && (await canListen(VIRTUAL_IP))
  const virtualHost = wide ? VIRTUAL_IP : '127.0.0.1'
  // As in a real pair, one port for both servers and the virtual IP: a page leads to the active by its address alone.
  const webPort = wide ? await portFreeOn(VIRTUAL_IP, '127.0.0.1', '127.0.0.2') : null
  return {
    primary: await (wide ? separate('127.0.0.1', webPort) : shared('127.0.0.3')),
    secondary: await (wide ? separate('127.0.0.2', webPort) : shared('127.0.0.2')),
    virtualIp: VIRTUAL_IP,
    virtualHost,
    virtualPort: webPort ?? (await freePort(virtualHost)),
    reference: wide ? '127.0.0.254' : '127.0.0.1',
  }
}

function separate(address: string, webPort: number | null): Promise<ServerAddresses> {
  return addressesOf(address, address, address, webPort)
}

function shared(ownAddress: string): Promise<ServerAddresses> {
  return addressesOf(ownAddress, '127.0.0.1', '::1', null)
}

async function addressesOf(
  ownAddress: string,
  host: string,
  agentHost: string,
  givenWebPort: number | null,
): Promise<ServerAddresses> {
  const webPort = givenWebPort ?? (await freePort(host))
  const agentPort = await freePort(agentHost)
  return { ownAddress, host, agentHost, webPort, agentPort }
}

async function portFreeOn(first: string, ...others: readonly string[]): Promise<number> {
  for (;;) {
    const port = await freePort(first)
    const free = await Promise.all(others.map((host) => canListen(host, port)))
    if (free.every(Boolean)) return port
  }
}

function canListen(host: string, port = 0): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/** `host:port` with the brackets that an IPv6 address needs. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
