import assert from 'node:assert/strict'
import type pg from 'pg'
import { quoteName } from '../../../plugin/db/identifiers.ts'
import { migrateDatabase } from '../../../plugin/replication/migrate-database.ts'
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
const LONG = 'é'.repeat(30)
const TABLES = `
  create table t (id int primary key, v text, n int not null default 0);
  create table u (id int primary key, number int not null unique);
  create table parent (id int primary key);
  create table child (id int primary key, parent_id int references parent on delete cascade on update cascade);
  create table json_row (id int primary key, b jsonb, j json, a int[], big bigint, f float8, ts timestamptz,
    i interval, raw bytea, p point, m money, c char(5), tm timestamp);
  create table generated (id int generated always as identity primary key, a int, double int generated always as (a * 2) stored);
  create table text_key (k text primary key, v int);
  create table numeric_key (k numeric primary key, v int);
  create table stamp_key (k timestamptz, f float8, i interval, primary key (k, f, i));
  create table char_key (k char(5) primary key, v int);
  create collation if not exists no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create table bag (v text);
  create table unique_only (k int not null unique, v text);
  create table "${LONG}1" (id int primary key, v text);
  create table "${LONG}2" (id int primary key, v text);
  create table "select ""x"" $1 'q'" ("from" int primary key, "a.b ""c""" text);
  create table old_style (id int primary key, v text);
  create table old_child (extra int, primary key (id)) inherits (old_style);
  create table part (id int, region text, v text, primary key (id, region)) partition by list (region);
  create table part_a partition of part for values in ('a');
  create table part_b partition of part for values in ('b');`

describe('pitfalls', function () {
  this.timeout(60_000)
  const clusters = useClusters({ settings: { max_prepared_transactions: '5' } })
  let active: TestServer
  let standby: TestServer

  before(async function () {
    this.timeout(60_000)
    // Builds without ICU have no non-deterministic collations.
    const icu = await withClient(clusters().first.url(), (client) =>
      client.query(`select from pg_collation where collprovider = 'i' limit 1`),
    )
    const ddl = icu.rowCount === 0 ? TABLES.replace(/create collation.*\n/, '') : TABLES
    active = await startServer(clusters().first, 'active', { ddl })
    standby = await startServer(clusters().second, 'standby', { ddl })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
  })

  after(async () => {
    await Promise.all([active?.close(), standby?.close()])
  })

  const run = (sql: string): Promise<unknown> => active.sql.query(sql)

  async function same(...tables: string[]): Promise<void> {
    await inSync(active, standby)
    for (const table of tables)
      assert.deepEqual(await rowsOf(standby, table), await rowsOf(active, table), table)
  }

  it('C1-C5: values arrive as they are, to the last bit', async () => {
    await run(`insert into json_row values (1, 'null', '{"b":1, "a":2,"a":3}', '[2:3]={1,2}', 9223372036854775807, 0.30000000000000004,
      '2020-01-01 00:00:00.123456+05:30', '1 mon -3 days 04:05:06.789', '\\xdeadbeef', '(1.5,2.5)', '12.34', 'ab', '0044-03-15 BC'),
      (2, null, 'null', '{}', -9223372036854775808, 'NaN', 'infinity', '-1 year', '', null, null, E'\\\\N', null),
      (3, '{"big": 9007199254740993}', '[]', '{{1,2},{3,null}}', 0, '-0', '-infinity', '0', '\\x00ff', '(0,0)', '-1', E'\\t\\n', '5000-01-01')`)
    await same('json_row')
  })

  it('C6: settings of the writer do not leak into keys or values', async () => {
    await withClient(active.url(), async (odd) => {
      await odd.query(`set datestyle = 'SQL, DMY'; set intervalstyle = iso_8601; set timezone = 'Asia/Kolkata';
        set extra_float_digits = -3; set bytea_output = escape`)
      await odd.query(`insert into stamp_key values ('2020-02-01 10:00:00.5+00', 0.30000000000000004, '1 day 02:03:04.5'),
        ('2021-12-31 23:59:59.999999+00', 1e-300, '-3 mons')`)
      await odd.query(`update stamp_key set f = f + 1 where f > 0.1`)
      await odd.query(`delete from stamp_key where f < 0.1`)
      await odd.query(
        `insert into char_key values ('ab', 1), ('abcde', 2); update char_key set v = 3 where k = 'ab'`,
      )
    })
    await same('stamp_key', 'char_key')
  })

  it('C10, C11: generated columns and identity always', async () => {
    await run(`insert into generated (a) values (1), (2); update generated set a = 5 where id = 1`)
    await same('generated')
  })

  it('C12, E8: a table that cannot be applied is quarantined and named; others go on; it heals by itself', async () => {
    await standby.sql.query(`alter table text_key add constraint small check (v < 100)`)
    await run(
      `insert into text_key values ('big', 500); insert into t (id, v) values (70, 'goes on')`,
    )
    await eventually(
      () =>
        standby.engine
          .status()
          .tables.some(
            (table) => table.name === 'public.text_key' && table.state === 'quarantined',
          ),
      'the quarantine',
    )
    assert.match(
      standby.engine.status().tables.find((table) => table.name === 'public.text_key')?.reason ??
        '',
      /small/,
    )
    await same('t')
    await standby.sql.query('alter table text_key drop constraint small')
    await eventually(
      () => standby.engine.status().tables.every((table) => table.state === 'replicated'),
      'the release',
      20_000,
    )
    await same('text_key')
  })

  it('C16: names with every odd character, and two that share their first 60 bytes', async () => {
    await run(`insert into "${LONG}1" values (1, 'one'); insert into "${LONG}2" values (1, 'two');
      insert into "select ""x"" $1 'q'" values (1, 'odd')`)
    await same(`"${LONG}1"`, `"${LONG}2"`, `"select ""x"" $1 'q'"`)
  })

  it('H1: a migration that renames a key column and writes in one transaction does not fail because of us', async () => {
    await run(`begin; alter table char_key rename column k to code; insert into char_key values ('new', 9);
      update char_key set v = v + 1; commit`)
    await eventually(
      () => standby.history.some((entry) => /char_key.*missing on the standby/.test(entry.reason)),
      'the reason',
    )
    await standby.sql.query('alter table char_key rename column k to code')
    await eventually(
      async () => (await rowsOf(standby, 'char_key')).includes('("new  ",10)'),
      'the rows',
    )
    await run(`update char_key set v = 11 where code = 'new'`)
    await same('char_key')
    await migrateDatabase(active.config)
    await run(`update char_key set v = 12 where code = 'new'`)
    await same('char_key')
  })

  it('E1: a unique value swapped between rows', async () => {
    await run(`truncate u; insert into u values (1, 100), (2, 101)`)
    await same('u')
    await run(`begin; update u set number = -1 where id = 1; update u set number = 100 where id = 2;
      update u set number = 101 where id = 1; commit`)
    await same('u')
  })

  it('E2: keys shifted and swapped', async () => {
    await run(
      `begin; update u set id = id + 10; update u set id = id - 9; update u set id = 23 - id where false; commit`,
    )
    await same('u')
  })

  it('E5: triggers of the platform do not fire again on the standby', async () => {
    for (const server of [active, standby]) {
      await server.sql.query(`create function count_up() returns trigger language plpgsql as
        $$ begin insert into public.t (id, v) values ((select max(id) + 1 from public.t), 'by trigger'); return null; end $$;
        create trigger counting after insert on public.unique_only for each row execute function count_up()`)
    }
    await run(`insert into unique_only values (10, 'x')`)
    await same('t', 'unique_only')
  })

  it('F2: nothing that a user creates is called or written by capture', async () => {
    await withClient(active.url(), async (user) => {
      await user.query(
        `create role app_user login; grant select, insert, update on t to app_user; grant create on schema public to app_user`,
      )
      await user
        .query(
          `set role app_user; create temp table journal (seq int); create schema if not exists pg_temp_fake`,
        )
        .catch(() => undefined)
      await user.query(`set role app_user; create temp table if not exists journal (seq int);
        create function public.lower(text) returns text language sql as $$ select 'evil' $$;
        set search_path = public, pg_catalog`)
      await user.query(`insert into public.t (id, v) values (90, 'as a plain user')`)
      const forged = await user
        .query(`insert into ${SCHEMA}.journal (table_id, op) values (1, 'W')`)
        .catch((error: unknown) => error as pg.DatabaseError)
      assert.equal((forged as pg.DatabaseError).code, '42501')
    })
    await same('t')
  })

  it('finds one changed byte on the standby and repairs it', async () => {
    await run(`insert into t (id, v) values (200, 'exact')`)
    await same('t')
    await standby.sql
      .query(`begin; set local session_replication_role = replica; update t set v = 'exacT' where id = 200;
      delete from u where id = (select min(id) from u); insert into text_key values ('extra', 1); commit`)
    const found = await standby.engine.check({ repair: false })
    const byTable = new Map(found.differences.map((difference) => [difference.table, difference]))
    assert.deepEqual(byTable.get('public.t'), {
      table: 'public.t',
      onlyOnActive: 0,
      onlyOnStandby: 0,
      different: 1,
      keys: ['200'],
    })
    assert.equal(byTable.get('public.u')?.onlyOnActive, 1)
    assert.equal(byTable.get('public.text_key')?.onlyOnStandby, 1)
    assert.equal(byTable.size, 3)
    assert.ok(standby.history.some((entry) => entry.kind === 'driftFound'))
    const repaired = await standby.engine.check({ repair: true })
    assert.equal(repaired.repaired, true)
    assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
    await same('t', 'u', 'text_key')
  })

  it('migrate is idempotent, and a new table of both servers is taken up by itself', async () => {
    const again = await migrateDatabase(active.config)
    assert.deepEqual(again.migrations, [])
    assert.deepEqual((await migrateDatabase(active.config)).capture.installed, [])
    await run('create table late (id int primary key); insert into late values (1)')
    await standby.sql.query('create table late (id int primary key)')
    await eventually(
      async () => (await rowsOf(standby, 'late')).length === 1,
      'the rows of the new table',
      20_000,
    )
    await run('insert into late values (2)')
    await same('late')
  })
})
