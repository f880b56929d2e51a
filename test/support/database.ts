import { connect } from 'node:net'
import { once } from 'node:events'
import pg from 'pg'
import {
  type PostgresCluster,
  type PostgresClusterOptions,
  startPostgresCluster,
} from '../../examples/demo/postgres-cluster.ts'
import type { AgentConfig } from '../../plugin/config/agent-config.ts'
import { quoteName } from '../../plugin/db/identifiers.ts'
import type { Logger } from '../../plugin/logger.ts'
import type { ReplicationEngine, ReplicationEvents, ReplicationSource } from '../../plugin/ports.ts'
import type { OnStep } from '../../plugin/replication/batch-step.ts'
import { createReplicationEngine } from '../../plugin/replication/engine.ts'
import { migrateDatabase, type MigrationReport } from '../../plugin/replication/migrate-database.ts'

/** Our schema's name in tests: everything must be quoted right. */
export const ODD_SCHEMA = 'hot "stand" by.ñ'

/** A login role without any right but those that `migrate` grants; a superuser gave it the one parameter. */
export const REPLICATOR = 'hs_replicator'

export interface ClusterPair {
  readonly first: PostgresCluster
  readonly second: PostgresCluster
}

/** Two clusters for the tests of one file; destroyed after them. */
export function useClusters(options: PostgresClusterOptions = {}): () => ClusterPair {
  let pair: ClusterPair | null = null
  before(async function () {
    this.timeout(120_000)
    pair = await startClusters(options)
  })
  after(async function () {
    this.timeout(60_000)
    await Promise.all([pair?.first.destroy(), pair?.second.destroy()])
  })
  return () => pair!
}

/** What a superuser does once for a cluster. */
export async function createReplicator(cluster: PostgresCluster): Promise<void> {
  await withClient(cluster.url(), async (client) => {
    await client.query(`create role ${REPLICATOR} login`)
    await client.query(`grant set on parameter session_replication_role to ${REPLICATOR}`)
  })
}

/** Two clusters with the replicator's role. Whoever starts them destroys them. */
export async function startClusters(options: PostgresClusterOptions): Promise<ClusterPair> {
  const [first, second] = await Promise.all([
    startPostgresCluster({ durable: false, ...options }),
    startPostgresCluster({ durable: false, ...options }),
  ])
  for (const cluster of [first, second]) {
    await createReplicator(cluster)
  }
  return { first, second }
}

let databases = 0

/** One server of a test: its database, an engine, and what the engine has told. */
export interface TestServer {
  readonly id: string
  readonly cluster: PostgresCluster
  readonly database: string
  readonly config: AgentConfig['database']
  readonly migration: MigrationReport
  readonly engine: ReplicationEngine
  readonly history: ReplicationEvents['history'][]
  /** Superuser connection, for the test's own statements. */
  readonly sql: pg.Client
  url(): string
  source(term?: () => number): ReplicationSource
  /** A new engine in place of the present one, as after a restart of the agent. */
  restartEngine(): Promise<ReplicationEngine>
  close(): Promise<void>
}

export interface ServerOptions {
  readonly ddl?: string
  /** Of the database; else that of the cluster. */
  readonly encoding?: string
  readonly tablespace?: string
  readonly config?: Partial<AgentConfig['database']>
  readonly logger?: Logger
  readonly clock?: { now(): number }
  readonly onStep?: OnStep
}

/** A database with these tables, migrated and captured, with an open engine. */
export async function startServer(
  cluster: PostgresCluster,
  id: string,
  options: ServerOptions = {},
): Promise<TestServer> {
  databases++
  const database = `test_${process.pid}_${databases}`
  await withClient(cluster.url(), (client) =>
    client.query(
      [
        `create database ${quoteName(database)}`,
        options.encoding === undefined ? '' : `encoding '${options.encoding}' template template0`,
        options.tablespace === undefined ? '' : `tablespace ${options.tablespace}`,
      ].join(' '),
    ),
  )
  const sql = new pg.Client({ connectionString: cluster.url(database) })
  sql.on('error', () => undefined)
  await sql.connect()
  if (options.ddl !== undefined) await sql.query(options.ddl)
  const config: AgentConfig['database'] = {
    url: cluster.url(database).replace('postgres@', `${REPLICATOR}@`),
    ownerUrl: cluster.url(database),
    schema: ODD_SCHEMA,
    replicatedSchemas: ['public'],
    exclude: { tables: [], columns: {}, rows: {} },
    checkAt: 'never',
    journalCapBytes: 1_073_741_824,
    ...options.config,
  }
  const migration = await migrateDatabase(config)
  const history: ReplicationEvents['history'][] = []
  const open = async (): Promise<ReplicationEngine> => {
    const engine = createReplicationEngine({
      config,
      serverId: id,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.logger === undefined ? {} : { logger: options.logger }),
      ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
    })
    engine.on('history', (entry) => history.push(entry))
    await engine.open()
    return engine
  }
  let engine = await open()
  return {
    id,
    cluster,
    database,
    config,
    migration,
    get engine() {
      return engine
    },
    history,
    sql,
    url: () => cluster.url(database),
    source: (term = () => 0) => ({
      serverId: id,
      term,
      connect: () => connectTo(cluster, database),
    }),
    async restartEngine() {
      await engine.close()
      engine = await open()
      return engine
    },
    async close() {
      await engine.close()
      await sql.end().catch(() => undefined)
    },
  }
}

async function connectTo(
  cluster: PostgresCluster,
  database: string,
): Promise<Awaited<ReturnType<ReplicationSource['connect']>>> {
  const stream = connect(cluster.port, cluster.host)
  await once(stream, 'connect')
  return { stream, user: REPLICATOR, password: null, database }
}

/** The standby has applied everything that was committed on the active before the call. */
export async function inSync(
  active: TestServer,
  standby: TestServer,
  timeoutMs = 15_000,
): Promise<void> {
  await standby.engine.applyUpTo(await active.engine.currentPosition(), timeoutMs)
}

/** All rows of a table as text, sorted: equal lists mean equal tables. */
export async function rowsOf(server: TestServer, table: string, columns = '*'): Promise<string[]> {
  const { rows } = await server.sql.query<{ row: string }>(
    `select r::text as row from (select ${columns} from ${table}) r order by 1`,
  )
  return rows.map((row) => row.row)
}

/** Waits until the condition holds; fails with the last reason after the deadline. */
export async function eventually(
  condition: () => Promise<boolean> | boolean,
  what: string,
  timeoutMs = 15_000,
): Promise<void> {
  const until = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

export async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
