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
  return {
    primary: await (wide ? separate('127.0.0.1') : shared('127.0.0.3')),
    secondary: await (wide ? separate('127.0.0.2') : shared('127.0.0.2')),
    virtualIp: VIRTUAL_IP,
    virtualHost,
    virtualPort: await freePort(virtualHost),
    reference: wide ? '127.0.0.254' : '127.0.0.1',
  }
}

function separate(address: string): Promise<ServerAddresses> {
  return addressesOf(address, address, address)
}

function shared(ownAddress: string): Promise<ServerAddresses> {
  return addressesOf(ownAddress, '127.0.0.1', '::1')
}

async function addressesOf(
  ownAddress: string,
  host: string,
  agentHost: string,
): Promise<ServerAddresses> {
  const [webPort, agentPort] = [await freePort(host), await freePort(agentHost)]
  return { ownAddress, host, agentHost, webPort, agentPort }
}

function canListen(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(0, host, () => server.close(() => resolve(true)))
  })
}

/** `host:port` with the brackets that an IPv6 address needs. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
