import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  freePort,
  type PostgresCluster,
  startPostgresCluster,
} from '../../examples/demo/postgres-cluster.ts'
import type { AgentApi } from '../../plugin/api/agent-api.ts'
import { createAgentClient } from '../../plugin/api/agent-client.ts'
import { createNodeAgent, type NodeAgent } from '../../plugin/create-node-agent.ts'
import { migrateDatabase } from '../../plugin/replication/migrate-database.ts'
import { factsOf, makeTestServer, type TestServerOptions } from './agent-config.ts'
import { runSql } from './run-sql.ts'
import { waitUntil } from './wait-until.ts'

const VIRTUAL_IP = { address: '127.0.0.10', prefixLength: 8 }

type Fields = Readonly<Record<string, unknown>>
type Facts = Fields & { readonly network?: Fields }

/** One server of the pair: its agent, a client of its socket, its database. */
export interface PairServer {
  readonly name: 'primary' | 'secondary'
  readonly client: AgentApi
  readonly configPath: string
  readonly socketPath: string
  readonly databaseUrl: string
  /** Its own address and port, as the other one joins it. */
  readonly address: string
  /** What the platform of this server says from now on: fields that differ, those of `network` among them. */
  sayFacts(facts: Facts): Promise<void>
  sql<Row>(text: string): Promise<readonly Row[]>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface AgentPair {
  readonly cluster: PostgresCluster
  readonly primary: PairServer
  readonly secondary: PairServer
  readonly virtualIp: { readonly address: string; readonly port: number }
  /** Both paired, the primary active, the secondary in sync. */
  whole(active?: PairServer): Promise<void>
  other(server: PairServer): PairServer
  close(): Promise<void>
}

export interface AgentPairOptions {
  readonly ddl?: string
  readonly pair?: Readonly<Record<string, unknown>>
  readonly config?: TestServerOptions['config']
  /** The facts come from a command, and can be changed by `sayFacts`. */
  readonly factsCommand?: true
  /** The virtual IP leads to this port of each server. */
  readonly webPort?: number
}

/** Two agents with databases of their own in one PostgreSQL, paired and in sync. */
export async function startAgentPair(options: AgentPairOptions = {}): Promise<AgentPair> {
  const folder = await mkdtemp(join(tmpdir(), 'hs-pair-'))
  const cluster = await startPostgresCluster({ durable: false })
  const virtualIpPort = await freePort(VIRTUAL_IP.address)
  const make = (name: PairServer['name'], address: string): Promise<PairServer> =>
    makeServer({ folder, cluster, virtualIpPort, name, address }, options)
  const primary = await make('primary', '127.0.0.1')
  const secondary = await make('secondary', '127.0.0.2')
  const servers = [primary, secondary]
  const other = (server: PairServer): PairServer => (server === primary ? secondary : primary)
  const pair: AgentPair = {
    cluster,
    primary,
    secondary,
    virtualIp: { address: VIRTUAL_IP.address, port: virtualIpPort },
    other,
    async whole(active = primary) {
      await active.client.wait({ for: 'active', timeoutMs: 30_000 })
      await waitUntil(
        'the pair to be healthy',
        async () => (await active.client.status()).health.word === 'healthy',
        30_000,
      )
      await other(active).client.wait({ for: 'in-sync', timeoutMs: 30_000 })
    },
    async close() {
      for (const server of servers) await server.stop()
      await cluster.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    await pairUp(pair, options)
  } catch (error) {
    await pair.close() // else running agents would keep the test process alive
    throw error
  }
  return pair
}

async function pairUp(pair: AgentPair, options: AgentPairOptions): Promise<void> {
  const { primary, secondary } = pair
  for (const server of [primary, secondary]) await server.start()
  await primary.client.saveSettings({
    server: { identity: 'primary' },
    pair: { virtualIp: VIRTUAL_IP, referenceAddresses: ['127.0.0.254'], ...options.pair },
  })
  await secondary.client.saveSettings({ server: { identity: 'secondary' } })
  const { accessCode } = await primary.client.makeAccessCode()
  await secondary.client.join({ peer: primary.address, accessCode })
  await waitUntil('the end of the join', async () => {
    const { operation } = await secondary.client.status()
    if (operation?.outcome === 'failed') throw new Error(operation.reason ?? 'the join failed')
    return operation?.outcome === 'done'
  })
  await pair.whole()
}

async function makeServer(
  place: {
    readonly folder: string
    readonly cluster: PostgresCluster
    readonly virtualIpPort: number
    readonly name: PairServer['name']
    readonly address: string
  },
  options: AgentPairOptions,
): Promise<PairServer> {
  const { folder, cluster, name, address, virtualIpPort } = place
  const databaseUrl = cluster.url(name)
  await runSql(cluster.url(), `create database ${name === 'primary' ? '"primary"' : name}`)
  if (options.ddl !== undefined) await runSql(databaseUrl, options.ddl)
  const server = {
    folder,
    name,
    address,
    databaseUrl,
    serialNumber: `T-${name}`,
    virtualIpPort,
    webPort: options.webPort,
  }
  const factsPath = join(folder, `${name}-facts.json`)
  const sayFacts = async ({ network = {}, ...facts }: Facts): Promise<void> => {
    const said = factsOf({ ...server, facts, network })
    await writeFile(`${factsPath}.new`, JSON.stringify(said))
    await rename(`${factsPath}.new`, factsPath)
  }
  await sayFacts({})
  const { config, configPath } = await makeTestServer({
    ...server,
    config: {
      ...(options.factsCommand === true ? { platform: { factsCommand: ['cat', factsPath] } } : {}),
      ...options.config,
    },
  })
  await migrateDatabase(config.database)
  let agent: NodeAgent | null = null
  return {
    name,
    client: createAgentClient(config.socketPath, { actor: 'test', timeoutMs: 15_000 }),
    configPath,
    socketPath: config.socketPath,
    databaseUrl,
    address: `${address}:${config.listen.port}`,
    sayFacts,
    sql: <Row>(text: string) => runSql(databaseUrl, text) as unknown as Promise<readonly Row[]>,
    async start() {
      agent ??= await createNodeAgent(config)
      await agent.start()
    },
    async stop() {
      const stopping = agent
      agent = null
      await stopping?.stop()
    },
  }
}
