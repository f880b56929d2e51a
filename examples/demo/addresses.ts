import { createServer } from 'node:net'
import { freePort } from './postgres-cluster.ts'

/** Where one server of the demo listens. */
export interface ServerAddresses {
  /** What the server says of itself; the requirement checks look at it. */
  readonly ownAddress: string
  /** Where its programs really listen. */
  readonly host: string
  readonly webPort: number
  readonly agentPort: number
}

export interface DemoAddresses {
  readonly primary: ServerAddresses
  readonly secondary: ServerAddresses
  readonly virtualIp: string
  readonly virtualPort: number
}

/** Linux has the whole of 127.0.0.0/8; elsewhere 127.0.0.1 alone exists, and ports tell the servers apart. */
export async function chooseAddresses(): Promise<DemoAddresses> {
  const wide =
    process.env['HOT_STANDBY_DEMO_ONE_ADDRESS'] === undefined && (await canListen('127.0.0.10'))
  const hosts = wide ? (['127.0.0.1', '127.0.0.2'] as const) : (['127.0.0.1', '127.0.0.1'] as const)
  const own = wide ? hosts : (['127.0.0.3', '127.0.0.2'] as const)
  const virtualIp = wide ? '127.0.0.10' : '127.0.0.1'
  return {
    primary: await addressesOf(hosts[0], own[0]),
    secondary: await addressesOf(hosts[1], own[1]),
    virtualIp,
    virtualPort: await freePort(virtualIp),
  }
}

async function addressesOf(host: string, ownAddress: string): Promise<ServerAddresses> {
  return { ownAddress, host, webPort: await freePort(host), agentPort: await freePort(host) }
}

function canListen(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(0, host, () => server.close(() => resolve(true)))
  })
}
