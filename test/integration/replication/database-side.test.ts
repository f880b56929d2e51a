import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { once } from 'node:events'
import knex from 'knex'
import type pg from 'pg'
import { MIGRATIONS } from '../../../migrations/index.ts'
import { quoteName } from '../../../plugin/db/identifiers.ts'
import { createKnexMigrationSource } from '../../../plugin/db/knex-migrations.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'
import { CAPTURE_OWNER } from '../../../plugin/replication/capture-owner.ts'
import type { DatabaseConfig } from '../../../plugin/replication/database-config.ts'
import { createReplicationEngine } from '../../../plugin/replication/engine.ts'
import { migrateDatabase } from '../../../plugin/replication/migrate-database.ts'
import { removeFromDatabase } from '../../../plugin/replication/remove-from-database.ts'
import {
  eventually,
  inSync,
  ODD_SCHEMA,
  REPLICATOR,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../support/database.ts'

const SCHEMA = quoteName(ODD_SCHEMA)
const TABLES = `create table t (id int primary key, v text); create table secret (id int primary key)`

function plainConfig(url: string, ownerUrl: string): DatabaseConfig {
  return {
    url,
    ownerUrl,
    schema: ODD_SCHEMA,
    replicatedSchemas: ['public'],
    exclude: { tables: [], columns: {}, rows: {} },
    checkAt: 'never',
    journalCapBytes: 1_048_576,
  }
}

describe('database side', function () {
  this.timeout(60_000)
  const clusters = useClusters()
  let server: TestServer | undefined
  let other: TestServer | undefined

  afterEach(async () => {
    await Promise.all([server?.close(), other?.close()])
    server = undefined
    other = undefined
  })

  const code = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof HotStandbyError ? error.code : String(error)),
    )

  it('gives the capture functions an owner of their own, in several databases of a cluster at once', async () => {
    const cluster = clusters().second
    const names = ['at_once_1', 'at_once_2', 'at_once_3', 'at_once_4']
    await withClient(cluster.url(), async (client) => {
      const { rows } = await client.query(`select from pg_roles where rolname = '${CAPTURE_OWNER}'`)
      assert.deepEqual(rows, [], 'the role is made by all of them')
      for (const name of names) await client.query(`create database ${name}`)
    })
    const reports = await Promise.all(
      names.map((name) => migrateDatabase(plainConfig(cluster.url(name), cluster.url(name)))),
    )
    for (const { capture } of reports) assert.deepEqual(capture.missingOwner, [])
  })

  it('runs its migrations through knex as well, under any schema name, and both agree', async () => {
    server = await startServer(clusters().first, 'one')
    await removeFromDatabase(server.config)
    const db = knex({ client: 'pg', connection: server.url() })
    try {
      const migrationSource = createKnexMigrationSource(ODD_SCHEMA, MIGRATIONS)
      await db.migrate.latest({ migrationSource, tableName: 'hot_standby_knex' })
    } finally {
      await db.destroy()
    }
    const report = await migrateDatabase(server.config)
    assert.deepEqual(report.migrations, [])
    const engine = createReplicationEngine({ config: server.config, serverId: 'one' })
    await engine.open()
    await engine.close()
  })

  it('leaves nothing behind when it is removed', async () => {
    server = await startServer(clusters().first, 'one', { ddl: TABLES })
    const report = await removeFromDatabase(server.config)
    assert.deepEqual([...report.tables].sort(), ['public.secret', 'public.t'])
    const { rows } = await server.sql.query(
      `select tgname from pg_trigger where not tgisinternal union all
       select nspname from pg_namespace where nspname = $1`,
      [ODD_SCHEMA],
    )
    assert.deepEqual(rows, [])
    await server.sql.query(`insert into t values (1, 'free again')`)
    assert.deepEqual(await removeFromDatabase(server.config), { tables: [], schemaDropped: false })
  })

  it('says what is wrong with a database: not migrated, foreign, without rights, away', async () => {
    server = await startServer(clusters().first, 'one', { ddl: TABLES })
    const open = async (
      config: Partial<TestServer['config']>,
      serverId = 'one',
    ): Promise<string> => {
      const engine = createReplicationEngine({ config: { ...server!.config, ...config }, serverId })
      return code(engine.open()).finally(() => engine.close())
    }
    assert.equal(await open({ schema: 'nowhere' }), 'HS_DATABASE_NOT_MIGRATED')
    await server.engine.promote(1)
    assert.equal(await open({}, 'another'), 'HS_DATABASE_FOREIGN')
    assert.equal(await open({ url: 'postgres://x@127.0.0.1:1/x' }), 'HS_DATABASE_UNREACHABLE')
    await server.sql.query(`create role poor login`)
    await server.sql.query(
      `grant usage on schema ${SCHEMA} to poor; grant select on all tables in schema ${SCHEMA} to poor`,
    )
    const poor = server.cluster.url(server.database).replace('postgres@', 'poor@')
    assert.equal(await open({ url: poor }), 'HS_DATABASE_RIGHTS')
    await server.sql.query(`update ${SCHEMA}.server_state set system_identifier = '1'`)
    assert.equal(await open({}), 'HS_DATABASE_FOREIGN')
  })

  it('migrates as the plain owner of the tables, and names what a superuser must grant', async () => {
    const cluster = clusters().first
    await withClient(cluster.url(), (client) =>
      client.query('create role plain_owner login; create role plain_replicator login'),
    )
    await withClient(cluster.url(), (client) =>
      client.query('create database owned owner plain_owner'),
    )
    const as = (role: string): string => cluster.url('owned').replace('postgres@', `${role}@`)
    await withClient(as('plain_owner'), (client) =>
      client.query(`create table t (id int primary key); alter table t enable row level security`),
    )
    const config = plainConfig(as('plain_replicator'), as('plain_owner'))
    const report = await migrateDatabase(config)
    assert.deepEqual(report.capture.impossible, [])
    assert.deepEqual(report.capture.installed, ['public.t'])
    assert.deepEqual(report.capture.missingRights, [
      'grant set on parameter session_replication_role to "plain_replicator";',
      'alter role "plain_replicator" bypassrls;',
    ])
    await withClient(as('plain_owner'), (client) => client.query('insert into t values (1)'))
    // Another database of the cluster may have made the role before.
    assert.equal(report.capture.missingOwner.at(-1), `grant "${CAPTURE_OWNER}" to "plain_owner";`)
    await withClient(cluster.url(), (client) =>
      client.query(`do $$ begin create role ${CAPTURE_OWNER} nologin;
        exception when duplicate_object then null; end $$; grant ${CAPTURE_OWNER} to plain_owner`),
    )
    assert.deepEqual((await migrateDatabase(config)).capture.missingOwner, [])
    const owners = await withClient(as('plain_owner'), (client) =>
      client.query(`select distinct pg_get_userbyid(proowner) as owner from pg_proc
        where pronamespace = quote_ident('${ODD_SCHEMA.replaceAll("'", "''")}')::regnamespace and proname like 'capture%'`),
    )
    assert.deepEqual(owners.rows, [{ owner: CAPTURE_OWNER }])
  })

  it('grants only what is missing: whoever truncates or alters meanwhile is not disturbed', async () => {
    server = await startServer(clusters().first, 'one', {
      ddl: `${TABLES}; create sequence "odd name"`,
    })
    await server.engine.promote(1)
    await server.sql.query(`begin; truncate ${SCHEMA}.journal; alter sequence "odd name" cycle`)
    await migrateDatabase(server.config)
    await server.sql.query('commit')
    await server.sql.query(`revoke select on sequence "odd name" from ${REPLICATOR}`)
    await migrateDatabase(server.config)
    const { rows } = await server.sql.query(
      `select has_sequence_privilege('${REPLICATOR}', '"odd name"', 'select') as granted`,
    )
    assert.deepEqual(rows, [{ granted: true }])
  })

  it('wakes the standby by notification, and goes on by polling when the listener is cut off', async () => {
    server = await startServer(clusters().first, 'one', { ddl: TABLES })
    other = await startServer(clusters().second, 'two', { ddl: TABLES })
    await server.engine.promote(1)
    await other.engine.follow(server.source(), 'test')
    await inSync(server, other)
    const standby = other
    await eventually(() => standby.engine.status().wakeUp === 'notify', 'the listener')
    const listeners = (): Promise<pg.QueryResult> =>
      server!.sql.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'hot-standby listener' and datname = current_database()`)
    assert.equal((await listeners()).rowCount, 1)
    await server.sql.query(`insert into t values (1, 'while nobody listens')`)
    await eventually(async () => (await rowsOf(standby, 't')).length === 1, 'the change', 3000)
    await eventually(() => standby.engine.status().wakeUp === 'notify', 'the listener again')
    // D7: a payload of anybody does no harm.
    await server.sql.query(`select pg_notify('pbx_hot_standby', '{garbage')`)
    await server.sql.query(`insert into t values (2, 'after garbage')`)
    await eventually(async () => (await rowsOf(standby, 't')).length === 2, 'the next change', 3000)
    await standby.engine.close()
    await eventually(async () => (await listeners()).rowCount === 0, 'no listener is left')
  })

  it('reaches an active only through the streams that it is given, and comes back when they break', async () => {
    server = await startServer(clusters().first, 'one', { ddl: TABLES })
    other = await startServer(clusters().second, 'two', { ddl: TABLES })
    const standby = other
    await server.engine.promote(1)
    const streams: ReturnType<typeof connect>[] = []
    const { cluster, database } = server
    let reachable = true
    await standby.engine.follow(
      {
        serverId: 'one',
        term: () => 1,
        async connect() {
          if (!reachable) throw new HotStandbyError('HS_PEER_UNREACHABLE')
          const stream = connect(cluster.port, cluster.host)
          await once(stream, 'connect')
          streams.push(stream)
          return { stream, user: REPLICATOR, password: 'unused', database }
        },
      },
      'test',
    )
    await inSync(server, standby)
    reachable = false
    for (const stream of streams) stream.destroy()
    await eventually(() => standby.engine.status().phase === 'connecting', 'the loss')
    assert.equal(
      standby.engine.status().inSync,
      true,
      'an active that is away does not make the standby stale',
    )
    await server.sql.query(`insert into t values (1, 'meanwhile')`)
    reachable = true
    await inSync(server, standby)
    assert.deepEqual(await rowsOf(standby, 't'), ['(1,meanwhile)'])
    assert.equal(
      standby.history.filter((entry) => entry.kind === 'synchronisationFailed').length,
      0,
    )
  })

  it('stands alone: nothing is captured, nothing refused', async () => {
    server = await startServer(clusters().first, 'one', { ddl: TABLES })
    await server.engine.promote(1)
    await server.engine.standAlone({ forget: true })
    await server.sql.query(`insert into t values (1, 'x')`)
    const { rows } = await server.sql.query<{ n: string }>(
      `select count(*)::text as n from ${SCHEMA}.journal`,
    )
    assert.equal(rows[0]!.n, '0')
    assert.equal(server.engine.status().phase, 'off')
    assert.equal(await code(server.engine.currentPosition()), 'HS_WRONG_STATE')
  })

  it('E10: two agents never apply to one database', async () => {
    server = await startServer(clusters().first, 'one', { ddl: TABLES })
    other = await startServer(clusters().second, 'two', { ddl: TABLES })
    await server.engine.promote(1)
    await other.engine.follow(server.source(), 'test')
    await inSync(server, other)
    const second = createReplicationEngine({ config: other.config, serverId: 'two' })
    try {
      await second.open()
      await second.follow(server.source(), 'by mistake')
      await eventually(() => /another agent/.test(second.status().reason), 'the refusal')
    } finally {
      await second.close()
    }
  })
})
