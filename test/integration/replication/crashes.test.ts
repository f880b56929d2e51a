import assert from 'node:assert/strict'
import { migrateDatabase } from '../../../plugin/replication/migrate-database.ts'
import { quoteName } from '../../../plugin/db/identifiers.ts'
import {
  eventually,
  inSync,
  ODD_SCHEMA,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../support/database.ts'

const SCHEMA = quoteName(ODD_SCHEMA)
const TABLES = `create table t (id bigserial primary key, v text);
  insert into t (v) select repeat('x', 100) from generate_series(1, 2000);`

describe('crashes', function () {
  this.timeout(120_000)
  // Durable, and with late flushing: that is where positions could run ahead of what is on the disk.
  const clusters = useClusters({
    durable: true,
    settings: {
      synchronous_commit: 'off',
      wal_writer_delay: '10s',
      wal_writer_flush_after: '100MB',
    },
  })
  let active: TestServer
  let standby: TestServer

  beforeEach(async () => {
    active = await startServer(clusters().first, 'active', { ddl: TABLES })
    standby = await startServer(clusters().second, 'standby', { ddl: TABLES })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
  })

  afterEach(async () => {
    await Promise.all([active?.close(), standby?.close()])
  })

  async function writeUntilKilled(kill: () => Promise<void>): Promise<void> {
    const writing = withClient(active.url(), async (client) => {
      for (;;) {
        await client.query(
          `insert into t (v) values ('w'); update t set v = v || '.' where id % 97 = 0`,
        )
      }
    }).catch(() => undefined)
    const before = (await standby.engine.appliedPosition())?.tickId
    await eventually(
      async () => Number((await standby.engine.appliedPosition())?.tickId) > Number(before) + 3,
      'some batches',
    )
    await kill()
    if (active.cluster.process() !== null) {
      await withClient(active.url(), (client) =>
        client.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where pid <> pg_backend_pid() and query like 'insert into t%'`),
      )
    }
    await writing
  }

  async function same(): Promise<void> {
    const read = (server: TestServer): Promise<string[]> =>
      withClient(server.url(), async (sql) => {
        const { rows } = await sql.query<{ row: string }>(
          'select t::text as row from t order by id',
        )
        return rows.map((row) => row.row)
      })
    const position = await eventuallyValue(() => active.engine.currentPosition())
    await standby.engine.applyUpTo(position, 30_000)
    assert.deepEqual(await read(standby), await read(active))
  }

  it('A6, A7: kill -9 of the active in mid-stream: nothing is lost, nothing is on the standby alone', async () => {
    await writeUntilKilled(() => active.cluster.kill())
    await eventually(() => standby.engine.status().phase === 'connecting', 'the loss of the active')
    await active.cluster.start()
    await withClient(active.url(), (client) =>
      client.query(`insert into t (v) values ('after the crash')`),
    )
    await same()
    assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
    assert.equal(
      standby.history.filter((entry) => entry.kind === 'resynchronisationStarted').length,
      1,
    )
  })

  it('E9: kill -9 of the standby in mid-stream: it goes on where it was', async () => {
    const ups: boolean[] = []
    standby.engine.on('databaseUp', (up) => ups.push(up))
    await writeUntilKilled(() => standby.cluster.kill())
    await eventually(() => ups.includes(false), 'the loss of the database')
    await standby.cluster.start()
    await same()
    await eventually(() => ups.at(-1) === true, 'the return of the database')
    assert.equal(
      standby.history.filter((entry) => entry.kind === 'resynchronisationStarted').length,
      1,
    )
  })

  it('a copy that is cut off leaves no half copy behind and begins again', async () => {
    await withClient(active.url(), (client) =>
      client.query(
        `insert into t (v) select repeat(md5(n::text), 20) from generate_series(1, 60000) n`,
      ),
    )
    await inSync(active, standby, 30_000)
    const sizes = new Set<string>()
    let looking = true
    const reader = withClient(standby.url(), async (client) => {
      while (looking)
        sizes.add(
          (await client.query<{ n: string }>('select count(*)::text as n from t')).rows[0]!.n,
        )
    })
    await standby.engine.resynchronise()
    await eventually(() => standby.engine.status().phase === 'copying', 'the copy')
    await withClient(active.url(), (client) =>
      client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'hot-standby %'
           and pid <> pg_backend_pid()`,
      ),
    )
    await eventually(
      () =>
        standby.history.some(
          (entry) =>
            entry.kind === 'resynchronisationDone' &&
            entry !== standby.history.find((first) => first.kind === 'resynchronisationDone'),
        ),
      'the second copy',
      60_000,
    )
    looking = false
    await reader
    await same()
    assert.deepEqual([...sizes], ['62000'])
  })

  it('A15: a copy gives way to a change of the schema, and is done after it', async () => {
    const wide = 'create table wide (id int primary key, v text)'
    await withClient(active.url(), (client) =>
      client.query(`${wide};
        insert into wide select n, repeat(md5(n::text), 300) from generate_series(1, 4000) n`),
    )
    await standby.sql.query(wide)
    await Promise.all([migrateDatabase(active.config), migrateDatabase(standby.config)])
    const hasWide = async (): Promise<boolean> =>
      (await rowsOf(standby, 'wide', 'id')).length === 4000
    await eventually(hasWide, 'the rows of the new table')
    // The copy cannot be done while somebody holds a row of the standby that it deletes.
    await withClient(standby.url(), async (slow) => {
      await slow.query('begin; select from wide where id = 4000 for share')
      await standby.engine.resynchronise()
      await eventually(() => standby.engine.status().phase === 'copying', 'the copy')
      await eventually(async () => {
        const holds = await active.sql.query(
          `select from pg_locks where relation = 't'::regclass and mode = 'AccessShareLock' and pid <> pg_backend_pid()`,
        )
        return holds.rowCount! > 0
      }, 'the locks of the copy')
      await active.sql.query(`set statement_timeout = '30s'; alter table t add column extra int`)
      await eventually(
        () => standby.history.some(({ kind }) => kind === 'copyGaveWay'),
        'the event',
      )
      await slow.query('rollback')
    })
    await standby.sql.query('alter table t add column extra int')
    await inSync(active, standby, 60_000)
    await eventually(
      () => standby.engine.status().tables.every((table) => table.state === 'replicated'),
      'all tables',
    )
    assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
  })

  it('G3: past its cap the journal is dropped, writes go on, and the standby copies afresh', async () => {
    await Promise.all([active.close(), standby.close()])
    active = await startServer(clusters().first, 'active', {
      ddl: TABLES,
      config: { journalCapBytes: 1_048_576 },
    })
    standby = await startServer(clusters().second, 'standby', { ddl: TABLES })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
    await standby.restartEngine()
    await withClient(active.url(), (client) =>
      client.query(
        `insert into t (v) select 'n' from generate_series(1, 30000); update t set v = v || '!'`,
      ),
    )
    await eventually(
      () => active.history.some((entry) => entry.kind === 'journalCapReached'),
      'the event',
    )
    const size = await active.sql.query<{ bytes: string }>(
      `select pg_total_relation_size('${SCHEMA.replaceAll("'", "''")}.journal')::text as bytes`,
    )
    assert.ok(Number(size.rows[0]!.bytes) < 200_000)
    await active.sql.query(`insert into t (v) values ('not captured')`)
    await standby.engine.follow(active.source(), 'back')
    await same()
    await active.sql.query(`insert into t (v) values ('captured again')`)
    await same()
    assert.equal(
      standby.history.filter((entry) => entry.kind === 'resynchronisationStarted').length,
      2,
    )
    assert.equal(active.history.filter((entry) => entry.kind === 'journalCapReached').length, 1)
  })

  it('G3: one statement that changes very many rows marks the table, and does not fill the disk with keys', async () => {
    await Promise.all([active.close(), standby.close()])
    const journalCapBytes = 4 * 1_048_576
    active = await startServer(clusters().first, 'active', {
      ddl: TABLES,
      config: { journalCapBytes },
    })
    standby = await startServer(clusters().second, 'standby', { ddl: TABLES })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
    await standby.restartEngine()
    const journal = async (): Promise<readonly { op: string; rows: number }[]> => {
      const { rows } = await active.sql.query<{ op: string; rows: number }>(
        `select op, count(*)::integer as rows from ${SCHEMA}.journal group by op order by op`,
      )
      return rows
    }
    const most = journalCapBytes / 4 / 100
    for (const statement of [
      `insert into t (v) select 'many' from generate_series(1, 50000)`,
      `update t set v = v || '!'`,
      'delete from t where id % 2 = 0 and id > 2000',
    ]) {
      await active.sql.query(`truncate ${SCHEMA}.journal`)
      await active.sql.query(statement)
      assert.deepEqual(await journal(), [
        { op: 'K', rows: Math.floor(most) },
        { op: 'W', rows: 1 },
      ])
    }
    assert.ok(!active.history.some((entry) => entry.kind === 'journalCapReached'))
    await standby.engine.follow(active.source(), 'back')
    await same()
  })

  it('purges what the standby has, and tells the lag of one that is away', async () => {
    await withClient(active.url(), (client) => client.query(`update t set v = 'purge me'`))
    await inSync(active, standby)
    const count = async (): Promise<number> =>
      Number(
        (await active.sql.query<{ n: string }>(`select count(*)::text as n from ${SCHEMA}.journal`))
          .rows[0]!.n,
      )
    await eventually(async () => (await count()) === 0, 'the purge')
    await standby.restartEngine()
    await active.sql.query(`insert into t (v) values ('a'), ('b')`)
    await eventually(() => active.engine.status().lag?.rows === 2, 'the lag')
    await standby.engine.follow(active.source(), 'back')
    await inSync(active, standby)
    await eventually(() => active.engine.status().lag?.rows === 0, 'no lag')
    assert.deepEqual(await rowsOf(standby, 't'), await rowsOf(active, 't'))
  })
})

async function eventuallyValue<Value>(read: () => Promise<Value>): Promise<Value> {
  let value: Value | undefined
  await eventually(async () => {
    value = await read().catch(() => undefined)
    return value !== undefined
  }, 'an answer of the database')
  return value!
}
