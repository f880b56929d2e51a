import assert from 'node:assert/strict'
import { quoteName } from '../../../../plugin/db/identifiers.ts'
import { HotStandbyError } from '../../../../plugin/errors.ts'
import { migrateDatabase } from '../../../../plugin/replication/migrate-database.ts'
import {
  eventually,
  inSync,
  ODD_SCHEMA,
  REPLICATOR,
  rowsOf,
  withClient,
} from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'

const SCHEMA = quoteName(ODD_SCHEMA)
const TABLES = `
  create table t (id int primary key, v text);
  create table bag (v text);
  create table exact (id int primary key, n numeric, f float8, j json);
  create table account (token text primary key, sip_secret text, pin int, name text);
  create table grown (id int primary key, v text);
  create table planned (id int primary key, v text);
  create table knex_migrations (id serial primary key, name text);
  create sequence loose; create sequence down increment -1 minvalue -1000 maxvalue -1 start -1;
  create sequence cached cache 50; create sequence round minvalue 1 maxvalue 3 cycle;
  create table owned (id serial primary key, w int generated always as identity);`

describe('pitfalls H: schema, take-over, drift', function () {
  this.timeout(60_000)
  const pair = usePair({ ddl: TABLES })

  const behind = (sql: string): Promise<unknown> =>
    pair().standby.sql.query(`begin; set local session_replication_role = replica; ${sql}; commit`)

  it('H1: a column that only the active has is named; rows wait for it and heal by themselves', async () => {
    const { run, same, standby, becomes } = pair()
    await run(`alter table grown add column added text; insert into grown values (1, 'x', 'y')`)
    await becomes('public.grown', 'quarantined', /column added is missing on the standby/)
    await run(`insert into t values (1, 'others go on')`)
    await same('t')
    await standby.sql.query('alter table grown add column added text')
    await becomes('public.grown', 'replicated')
    await same('grown')
  })

  it('H1: a migration that renames a key column and writes in one transaction does not fail because of us', async () => {
    const { run, same, standby, toldOf } = pair()
    await run(`begin; alter table grown rename column id to code; insert into grown values (9, 'new');
      update grown set v = v || '!'; commit`)
    await toldOf('tableQuarantined', /grown/)
    await standby.sql.query('alter table grown rename column id to code')
    await eventually(async () => (await rowsOf(standby, 'grown')).includes('(9,new!,)'), 'the rows')
    await run(`update grown set v = 'captured' where code = 9`)
    await same('grown')
  })

  it('H1: nor does a session that has written before, when another one renames or retypes the key column', async () => {
    const { run, same, active, standby } = pair()
    await withClient(active.url(), async (writer) => {
      await writer.query(`insert into planned values (1, 'before')`)
      await same('planned')
      for (const change of ['rename column id to code', 'alter column code type text']) {
        await run(`alter table planned ${change}`)
        await writer.query(`insert into planned values (length('${change}'), '${change}')`)
        await standby.sql.query(`alter table planned ${change}`)
        await eventually(
          async () => (await rowsOf(standby, 'planned')).some((row) => row.includes(change)),
          change,
        )
      }
    })
    await same('planned')
  })

  it('H1: migrate is idempotent, and a new table of both servers is taken up by itself', async () => {
    const { active, standby, run, same } = pair()
    await migrateDatabase(active.config)
    const again = await migrateDatabase(active.config)
    assert.deepEqual([again.migrations, again.capture.installed], [[], []])
    await run('create table late (id int primary key); insert into late values (1)')
    await standby.sql.query('create table late (id int primary key)')
    await eventually(async () => (await rowsOf(standby, 'late')).length === 1, 'the rows', 20_000)
    await run('insert into late values (2)')
    await same('late')
  })

  it('H2: the lists of migrations are never copied, and listed as excluded', async () => {
    const { active, standby, run } = pair()
    await run(`insert into knex_migrations (name) values ('ran on the active only')`)
    await inSync(active, standby)
    assert.deepEqual(await rowsOf(standby, 'knex_migrations'), [])
    const entry = standby.engine
      .status()
      .notReplicated.find((one) => one.name === 'public.knex_migrations')
    assert.equal(entry?.why, 'excluded')
  })

  it('H3: sequences of every kind are past what the active gave out: no owner, descending, cached, cyclic, restarted', async () => {
    const { active, standby, run } = pair()
    await run(`select nextval('loose') from generate_series(1, 10); select nextval('down') from generate_series(1, 10);
      select nextval('cached'); select nextval('round') from generate_series(1, 4);
      insert into owned default values; insert into owned default values; insert into t values (300, 'a change')`)
    await inSync(active, standby)
    const next = async (name: string): Promise<number> => {
      const { rows } = await standby.sql.query<{ n: string }>(
        `select nextval('${name}')::text as n`,
      )
      return Number(rows[0]?.n)
    }
    assert.ok((await next('loose')) > 10)
    assert.ok((await next('down')) < -10)
    assert.ok((await next('cached')) > 1)
    const round = await next('round')
    assert.ok(round >= 1 && round <= 3)
    assert.ok((await next('owned_id_seq')) > 2)
    assert.ok((await next('owned_w_seq')) > 2)
    await run(
      `alter sequence loose restart with 5000; select nextval('loose'); insert into t values (301, 'a change')`,
    )
    await inSync(active, standby)
    assert.ok((await next('loose')) > 5000)
  })

  it('H6, H8: an active that was set back, upgraded or replaced is not trusted', async () => {
    const { active, standby, run, same, told } = pair()
    const before = told('resynchronisationStarted').length
    // What a restored copy looks like: another generation than the one that the standby follows.
    await run(`update ${SCHEMA}.server_state set generation = gen_random_uuid()`)
    await run(`insert into t values (600, 'after')`)
    await eventually(() => told('resynchronisationStarted').length > before, 'a copy afresh')
    await eventually(() => standby.engine.status().inSync, 'in sync')
    await inSync(active, standby)
    await same('t')
  })

  it('H7: a standby that was set back to before the purge copies afresh', async () => {
    const { active, standby, run, same, told } = pair()
    await same('t')
    const before = told('resynchronisationStarted').length
    await standby.engine.standAlone({ forget: false })
    await standby.sql.query(`update ${SCHEMA}.applied_position set tick_id = 1, snapshot = '3:3:'`)
    await run(`delete from ${SCHEMA}.tick where tick_id = 1`)
    await standby.engine.follow(active.source(), 'test')
    await eventually(() => told('resynchronisationStarted').length > before, 'a copy afresh')
    await same('t')
  })

  it('H10: finds one changed byte, a scale, a minus zero, json text and one of many equal rows, and repairs them', async () => {
    const { run, same, standby } = pair()
    await run(`insert into t values (200, 'exact'), (201, 'gone'); insert into bag select 'same' from generate_series(1, 4);
      insert into exact values (1, 1.10, 0, '{"a": 1}'), (2, 1, 1, '[]'), (3, 5, 5, null)`)
    await same('t', 'bag', 'exact')
    await behind(`update t set v = 'exacT' where id = 200; delete from t where id = 201; insert into t values (999, 'extra');
      delete from bag where ctid in (select ctid from bag limit 2); update exact set n = 1.1 where id = 1;
      update exact set f = '-0', n = 1 where id = 2; update exact set j = '{"a":1}' where id = 3`)
    const found = await standby.engine.check({ repair: false })
    const byTable = new Map(found.differences.map((difference) => [difference.table, difference]))
    assert.deepEqual([...byTable.keys()].sort(), ['public.bag', 'public.exact', 'public.t'])
    const t = byTable.get('public.t')
    assert.deepEqual([t?.onlyOnActive, t?.onlyOnStandby, t?.different], [1, 1, 1])
    assert.deepEqual(
      t?.rows.map((row) => [row.key, row.active, row.standby]),
      [
        ['201', '(201,gone)', null],
        ['999', null, '(999,extra)'],
        ['200', '(200,exact)', '(200,exacT)'],
      ],
    )
    assert.equal(byTable.get('public.exact')?.different, 3)
    assert.equal(byTable.get('public.bag')?.onlyOnActive, 2)
    await run(`insert into t select n, 'traffic' from generate_series(5000, 5100) n`)
    assert.equal((await standby.engine.check({ repair: true })).repaired, true)
    assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
    await same('t', 'bag', 'exact')
    const checked = standby.engine.status().tables.find(({ name }) => name === 'public.bag')
    assert.equal(checked?.rows, 4)
    assert.ok((checked.lastCheckedAt ?? '') > found.at, 'the last check of now, not of the start')
  })

  it('H10: shows rows that differ without the values that nobody must read', async () => {
    const { run, same, standby } = pair()
    await run(`insert into account values ('t-1', 'one', 1234, 'Ann'), ('t-2', 'two', null, 'Bob')`)
    await same('account')
    await behind(
      `update account set sip_secret = 'three' where name = 'Ann'; update account set name = 'Bo' where name = 'Bob'`,
    )
    const { differences } = await standby.engine.check({ repair: true })
    const [difference] = differences.filter(({ table }) => table === 'public.account')
    assert.deepEqual(difference?.keys, ['••••••', '••••••'])
    assert.deepEqual(difference?.rows.map(({ active, standby: ours }) => [active, ours]).sort(), [
      ['(••••••,••••••,,Bob)', '(••••••,••••••,,Bo)'],
      ['(••••••,••••••,••••••,Ann)', '(••••••,••••••,••••••,Ann)'],
    ])
    assert.doesNotMatch(JSON.stringify(standby.history), /t-1|three|1234/)
    await same('account')
  })

  it('H10: after a sign of bypassed capture both servers are compared without anybody asking', async () => {
    const { run, same, toldOf } = pair()
    await same('t', 'bag')
    await behind(`update t set v = 'changed behind our back' where id = 200`)
    await run(`alter table bag disable trigger all; alter table bag enable trigger all`)
    await toldOf('captureRepaired', /public\.bag/)
    await eventually(
      () =>
        pair()
          .told('driftFound')
          .some((reason) => reason === 'public.t'),
      'the drift found',
      40_000,
    )
  })

  it('a comparison whose connection is cut off is made again; one that always fails says why', async () => {
    const { active, standby, same } = pair()
    await same('owned')
    /** Ends the sessions of the standby on the active as soon as one waits for a lock. */
    const cut = async (): Promise<void> => {
      await eventually(async () => {
        const { rowCount } = await active.sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where usename = $1 and wait_event_type = 'Lock'`,
          [REPLICATOR],
        )
        return (rowCount ?? 0) > 0
      }, 'a session that waits')
    }
    await withClient(active.url(), async (holder) => {
      await holder.query('begin; lock table owned in access exclusive mode')
      const report = standby.engine.check({ repair: false })
      await cut()
      await holder.query('rollback')
      assert.ok((await report).tables > 5)
      await holder.query('begin; lock table owned in access exclusive mode')
      const failed = standby.engine.check({ repair: false }).then(
        () => null,
        (error: unknown) => error,
      )
      for (let time = 0; time < 4; time++) await cut()
      const error = await failed
      await holder.query('rollback')
      assert.ok(error instanceof HotStandbyError && error.code === 'HS_REPLICATION_FAILED')
      assert.match(error.message, /broken off: /)
    })
    await same('owned')
  })
})
