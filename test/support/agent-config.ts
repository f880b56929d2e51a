import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentConfig, parseAgentConfig } from '../../plugin/config/agent-config.ts'
import { freePort } from '../../examples/demo/postgres-cluster.ts'

type Fields = Readonly<Record<string, unknown>>

export interface TestServer {
  readonly folder: string
  readonly configPath: string
  readonly config: AgentConfig
}

export interface TestServerOptions {
  readonly folder: string
  readonly name: string
  /** Loopback address of this server. */
  readonly address: string
  readonly databaseUrl: string
  readonly serialNumber: string
  readonly virtualIpPort: number
  /** Where the port of the virtual IP leads; nowhere unless told. */
  readonly webPort?: number | undefined
  /** Fields of the platform facts that differ. */
  readonly facts?: Fields
  readonly network?: Fields
  /** More fields of `database`. */
  readonly database?: Fields
  /** Parts of the configuration file besides: services, failover. */
  readonly config?: Fields
}

/** The configuration of one server on loopback, in a file and parsed. */
export async function makeTestServer(options: TestServerOptions): Promise<TestServer> {
  const folder = join(options.folder, options.name)
  await mkdir(folder, { recursive: true })
  const input = {
    stateDirectory: 'state',
    listen: { address: options.address, port: await freePort(options.address) },
    database: { url: options.databaseUrl, ...options.database },
    network: {
      interface: 'lo',
      driver: 'listener',
      forward: [{ port: options.virtualIpPort, to: `${options.address}:${options.webPort ?? 9}` }],
    },
    platform: { facts: factsOf(options) },
    ...options.config,
  }
  const configPath = join(folder, 'hot-standby.config.json')
  await writeFile(configPath, JSON.stringify(input))
  return { folder, configPath, config: parseAgentConfig(input, folder) }
}

/** What the platform of a test server says of it, where nothing differs. */
export function factsOf({
  name,
  address,
  serialNumber,
  facts,
  network,
}: Pick<TestServerOptions, 'name' | 'address' | 'serialNumber' | 'facts' | 'network'>): Fields & {
  readonly network: Fields
} {
  return {
    productName: 'Test PBX',
    hostName: name,
    serialNumber,
    plan: 'Ultimate',
    firmwareVersion: '83.6.0.24',
    minimumFirmwareVersion: '83.6.0.24',
    capacity: { extensions: 500, concurrentCalls: 125 },
    network: {
      interfaceName: 'lo',
      address,
      prefixLength: 8,
      family: 'ipv4',
      isStatic: true,
      isDefault: true,
      kind: 'lan',
      ...network,
    },
    ...facts,
  }
}
