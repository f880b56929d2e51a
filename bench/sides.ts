import pg from 'pg'
import { type PostgresCluster, startPostgresCluster } from '../examples/demo/postgres-cluster.ts'
import type { AppliedPosition } from '../plugin/core/position.ts'
import type { AgentConfig } from '../plugin/config/agent-config.ts'
import { migrateDatabase } from '../plugin/replication/migrate-database.ts'
import { REPLICATOR } from '../test/support/database.ts'
import { runSql } from '../test/support/run-sql.ts'
import { EngineProcess, type HostConfig } from './engine-process.ts'

/** Two servers with the same settings; every system has databases of its own on both. */
export interface Servers {
  readonly active: PostgresCluster
  readonly standby: PostgresCluster
}

/** One system between the two servers, with its databases. */
export interface Side {
  readonly from: pg.Client
  readonly to: pg.Client
  /** URL of the active's database, for writers of their own. */
  readonly fromUrl: string
  start(): Promise<unknown>
  /** Nothing is applied any more, until `start`. */
  stop(): Promise<unknown>
  /** Everything that is committed is visible on the standby. */
  caughtUp(): Promise<void>
  /** Copies afresh into empty tables; answers how many milliseconds that took. */
  copyAfresh(): Promise<number>
  close(): Promise<void>
}

export async function startServers(): Promise<Servers> {
  const settings = { wal_level: 'logical', shared_buffers: '128MB', max_wal_size: '4GB' }
  const [active, standby] = await Promise.all([
    startPostgresCluster({ settings }),
    startPostgresCluster({ settings }),
  ])
  for (const cluster of [active, standby]) {
    await runSql(cluster.url(), `create role ${REPLICATOR} login`)
    await runSql(cluster.url(), `grant set on parameter session_replication_role to ${REPLICATOR}`)
  }
  return { active, standby }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function createDatabases(servers: Servers, name: string, ddl: string): Promise<void> {
  for (const cluster of [servers.active, servers.standby]) {
    await runSql(cluster.url(), `create database ${name}`)
    await runSql(cluster.url(name), ddl)
  }
}

/** A database without any replication: what the work costs by itself. */
export async function openPlain(servers: Servers, name: string, ddl: string): Promise<pg.Client> {
  await runSql(servers.active.url(), `create database ${name}`)
  await runSql(servers.active.url(name), ddl)
  return connect(servers.active.url(name))
}

export interface OurSide extends Side {
  readonly engines: { readonly active: EngineProcess; readonly standby: EngineProcess }
}

export async function openOurs(servers: Servers, name: string, ddl: string): Promise<OurSide> {
  await createDatabases(servers, name, ddl)
  const engineFor = async (cluster: PostgresCluster, id: string): Promise<EngineProcess> => {
    const config: AgentConfig['database'] = {
      url: cluster.url(name).replace('postgres@', `${REPLICATOR}@`),
      ownerUrl: cluster.url(name),
      schema: 'hot_standby',
      replicatedSchemas: ['public'],
      exclude: { tables: [], columns: {}, rows: {} },
      checkAt: 'never',
      journalCapBytes: 4_294_967_296,
    }
    await migrateDatabase(config)
    const engine = new EngineProcess(config, id)
    await engine.call({ name: 'open' })
    return engine
  }
  const active = await engineFor(servers.active, 'active')
  const standby = await engineFor(servers.standby, 'standby')
  await active.call({ name: 'promote' })
  const { host, port } = servers.active
  const source: HostConfig = { serverId: 'active', host, port, user: REPLICATOR, database: name }
  const from = await connect(servers.active.url(name))
  const to = await connect(servers.standby.url(name))
  const caughtUp = async (): Promise<void> => {
    const position = (await active.call({ name: 'currentPosition' })) as AppliedPosition
    await standby.call({ name: 'applyUpTo', position })
  }
  return {
    from,
    to,
    fromUrl: servers.active.url(name),
    engines: { active, standby },
    start: () => standby.call({ name: 'follow', source }),
    stop: () => standby.call({ name: 'restart' }),
    caughtUp,
    copyAfresh: async () => {
      await standby.call({ name: 'restart' })
      await emptyTables(to)
      await to.query('delete from hot_standby.applied_position')
      const begunAt = performance.now()
      await standby.call({ name: 'follow', source })
      await caughtUp()
      return performance.now() - begunAt
    },
    close: async () => {
      await standby.close()
      await active.close()
      await Promise.all([from.end(), to.end()])
    },
  }
}

export async function openNative(servers: Servers, name: string, ddl: string): Promise<Side> {
  await createDatabases(servers, name, ddl)
  const from = await connect(servers.active.url(name))
  const to = await connect(servers.standby.url(name))
  await from.query(`create publication p_${name} for all tables`)
  const { host, port } = servers.active
  const create = `create subscription s_${name}
    connection 'host=${host} port=${port} user=postgres dbname=${name}' publication p_${name}`
  let created = false
  const ready = async (): Promise<void> => {
    const left = `select from pg_subscription_rel where srsubstate <> 'r' limit 1`
    while ((await to.query(left)).rowCount !== 0) await pause(5)
  }
  const caughtUp = async (): Promise<void> => {
    await ready()
    const { rows } = await from.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')
    const behind = `select from pg_stat_replication
      where application_name = 's_${name}' and replay_lsn >= $1::pg_lsn`
    while ((await from.query(behind, [rows[0]?.lsn])).rowCount === 0) await pause(2)
  }
  const drop = async (): Promise<void> => {
    if (created) await to.query(`drop subscription s_${name}`)
    created = false
  }
  return {
    from,
    to,
    fromUrl: servers.active.url(name),
    start: async () => {
      await to.query(created ? `alter subscription s_${name} enable` : create)
      created = true
      await ready()
    },
    stop: () => to.query(`alter subscription s_${name} disable`),
    caughtUp,
    copyAfresh: async () => {
      await drop()
      await emptyTables(to)
      const begunAt = performance.now()
      await to.query(create)
      created = true
      await ready()
      return performance.now() - begunAt
    },
    close: async () => {
      await drop()
      await Promise.all([from.end(), to.end()])
    },
  }
}

async function emptyTables(db: pg.Client): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
  )
  await db.query('set session_replication_role = replica')
  await db.query(`truncate ${rows.map((row) => row.name).join(', ')}`)
  await db.query('set session_replication_role = origin')
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
