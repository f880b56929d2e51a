import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { DemoAddresses, ServerAddresses } from './addresses.ts'
import { runHotStandby } from './hot-standby-command.ts'
import { type PostgresCluster, startPostgresCluster } from './postgres-cluster.ts'
import type { Processes, RunningProgram } from './processes.ts'
import { Hopeless, until } from './until.ts'

export const PASSWORD = 'demo-password'
export const API_TOKEN = 'demo-token-of-the-telephony-service'

/** Tables that belong to one server. */
export const OWN_TABLES = [
  'sessions',
  'network_settings',
  'knex_migrations',
  'knex_migrations_lock',
] as const

const START_LIMIT_MS = 60_000

/** One PBX server of the demo: PostgreSQL, the platform's web process and the agent, all real. */
export interface PbxServer {
  readonly name: string
  readonly addresses: ServerAddresses
  readonly configPath: string
  readonly url: string
  database(): pg.ClientConfig
  /** Runs a command of this server's administrator. */
  command<T = unknown>(...args: readonly string[]): Promise<T>
  /** First start: database, platform with its tables, migration, agent. */
  install(): Promise<void>
  /** Starts what does not run. */
  start(): Promise<void>
  /** `kill -9` of agent, web and PostgreSQL. */
  kill(): Promise<void>
  /** SIGSTOP of agent and web: they hang, their sockets stay open. */
  hang(): void
  /** SIGCONT. */
  wake(): void
  condition(): 'running' | 'killed' | 'hung'
  /** Last words of its programs, for the message when a step fails. */
  output(): string
  destroy(): Promise<void>
}

export interface PbxServerOptions {
  readonly name: string
  readonly serialNumber: string
  readonly addresses: ServerAddresses
  readonly demo: DemoAddresses
  readonly smtpPort: number
  readonly processes: Processes
}

export async function createPbxServer(options: PbxServerOptions): Promise<PbxServer> {
  const { name, addresses, processes } = options
  const folder = join(processes.folder, name)
  await mkdir(folder, { mode: 0o700 })
  const cluster = await startPostgresCluster({ host: addresses.host })
  processes.adopt(cluster.process())
  const configPath = join(folder, 'hot-standby.config.json')
  const platformPath = join(folder, 'platform.json')
  await writeJson(configPath, agentConfig(options, cluster))
  await writeJson(platformPath, platformOptions(options, cluster, folder))
  let web: RunningProgram | null = null
  let agent: RunningProgram | null = null
  let condition: 'running' | 'killed' | 'hung' = 'running'

  const url = `http://${addresses.host}:${addresses.webPort}`
  const startWeb = async (): Promise<void> => {
    if (web?.alive() === true) return
    const started = processes.start('examples/demo/platform-process.ts', [platformPath])
    web = started
    await until(
      `answer of the platform of ${name}`,
      async () => {
        if (!started.alive()) throw ended(`the platform of ${name}`, started)
        return (await fetch(`${url}/login`)).ok
      },
      START_LIMIT_MS,
    )
  }
  const startAgent = async (): Promise<void> => {
    if (agent?.alive() === true) return
    const started = processes.start('plugin/cli/main.ts', [
      '--config',
      configPath,
      'agent',
      '--with-parent',
    ])
    agent = started
    await until(
      `answer of the agent of ${name}`,
      async () => {
        if (!started.alive()) throw ended(`the agent of ${name}`, started)
        return (await runHotStandby(configPath, 'status')) !== null
      },
      START_LIMIT_MS,
    )
  }
  const programs = (): RunningProgram[] => [web, agent].filter((program) => program !== null)

  return {
    name,
    addresses,
    configPath,
    url,
    database: () => ({ connectionString: cluster.url('pbx') }),
    command: (...args) => runHotStandby(configPath, ...args),
    async install() {
      await createDatabase(cluster)
      await startWeb()
      await runHotStandby(configPath, 'migrate')
      await startAgent()
    },
    async start() {
      const process = cluster.process()
      if (process === null || process.exitCode !== null || process.signalCode !== null) {
        await cluster.start()
        processes.adopt(cluster.process())
      }
      await Promise.all([startWeb(), startAgent()])
      condition = 'running'
    },
    async kill() {
      condition = 'killed'
      await Promise.all([...programs().map((program) => program.kill()), cluster.kill()])
    },
    hang() {
      condition = 'hung'
      for (const program of programs()) program.signal('SIGSTOP')
    },
    wake() {
      condition = 'running'
      for (const program of programs()) program.signal('SIGCONT')
    },
    condition: () => condition,
    output: () =>
      [
        `--- web of ${name}\n${web?.output() ?? ''}`,
        `--- agent of ${name}\n${agent?.output() ?? ''}`,
      ].join('\n'),
    async destroy() {
      await Promise.all(programs().map((program) => program.stop()))
      await cluster.destroy()
    },
  }
}

/** Its last words say why. */
function ended(what: string, program: RunningProgram): Hopeless {
  return new Hopeless(`${what} ended: ${program.output().trim()}`)
}

function agentConfig(options: PbxServerOptions, cluster: PostgresCluster): object {
  const { addresses, demo } = options
  return {
    stateDirectory: 'state',
    listen: { address: addresses.agentHost, port: addresses.agentPort },
    database: {
      url: `postgres://hot_standby@${cluster.host}:${cluster.port}/pbx`,
      ownerUrl: cluster.url('pbx'),
      replicatedSchemas: ['public'],
      exclude: { tables: OWN_TABLES },
    },
    network: {
      interface: 'lo',
      driver: 'listener',
      listenAddress: demo.virtualHost,
      forward: [{ port: demo.virtualPort, to: `${addresses.host}:${addresses.webPort}` }],
    },
    platform: {
      facts: {
        productName: 'Example PBX',
        serialNumber: options.serialNumber,
        plan: 'Enterprise',
        firmwareVersion: '83.6.0.24',
        minimumFirmwareVersion: '83.6.0.24',
        capacity: { extensions: 500, concurrentCalls: 125 },
        hostName: options.name,
        network: {
          interfaceName: 'lo',
          address: addresses.ownAddress,
          prefixLength: 8,
          family: 'ipv4',
          isStatic: true,
          isDefault: true,
          kind: 'lan',
        },
      },
    },
    smtp: { host: '127.0.0.1', port: options.smtpPort, from: `${options.name}@example.com` },
  }
}

function platformOptions(
  options: PbxServerOptions,
  cluster: PostgresCluster,
  folder: string,
): object {
  return {
    name: options.name,
    listen: { host: options.addresses.host, port: options.addresses.webPort },
    databaseUrl: `postgres://pbx@${cluster.host}:${cluster.port}/pbx`,
    socketPath: join(folder, 'state/agent.sock'),
    sessionSecret: `demo session secret of the server ${options.name}`,
    initialPassword: PASSWORD,
    initialApiToken: API_TOKEN,
  }
}

/** The platform owns its tables; the replicator has a role of its own, whose rights come from `hot-standby migrate`. */
async function createDatabase(cluster: PostgresCluster): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.url() })
  await client.connect()
  try {
    await client.query('create role pbx login')
    await client.query('create role hot_standby login')
    await client.query('grant set on parameter session_replication_role to hot_standby')
    await client.query('create database pbx owner pbx')
  } finally {
    await client.end()
  }
}

async function writeJson(path: string, value: object): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
}
