import assert from 'node:assert/strict'
import { eventually, inSync, rowsOf, withClient } from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'
import {
  CREATE_ZOO,
  FILL_ZOO,
  HOSTILE_SETTINGS,
  ZOO_TYPES,
  zooTables,
} from '../../../support/type-zoo.ts'

const LONG = 'é'.repeat(30)
const TABLES = `${CREATE_ZOO}
  create table note (id int primary key, j json, b jsonb, a int[], big bigint, raw bytea, at timestamptz, p point);
  create table stamp_key (k timestamptz, f float8, i interval, primary key (k, f, i));
  create table bytes_key (k bytea primary key, v int);
  create table char_key (k char(5) primary key, v int);
  create table target (id int primary key);
  create table named (id int primary key, class regclass, kind regtype, role regrole, job regproc);
  create table generated (id int generated always as identity primary key, a int,
    double int generated always as (a * 2) stored, triple int generated always as (a * 3) virtual);
  create type mood as enum ('sad', 'ok');
  create table feeling (id int primary key, m mood);
  create domain small as int check (value < 1000);
  create table domained (id int primary key, s small);
  create table checked (id int primary key, v int);
  create table booking (room int4range, during tstzrange, v text, primary key (room, during without overlaps));
  create table deferred (id int primary key deferrable initially deferred, n int unique deferrable);
  create table dropped (a int primary key, b text, c text);
  alter table dropped drop column b; alter table dropped add column d int;
  create table "${LONG}1" (id int primary key, v text);
  create table "${LONG}2" (id int primary key, v text);
  create table "select ""x"" $1 'q' \\ %s :schema" ("from" int primary key, "a.b ""c""" text);
  create table "Ünï.cöde 😀" ("Select" int primary key, " " text);
  create table wide (id int primary key, ${Array.from({ length: 400 }, (_, n) => `c${n} text`).join(', ')});`.replace(
  'create table target',
  'create extension if not exists plpgsql; create table target',
)

const ODD = `"select ""x"" $1 'q' \\ %s :schema"`

describe('pitfalls C: values, types, names (PostgreSQL 18)', function () {
  this.timeout(90_000)
  // The standby's columns lie in another order, with a dropped one in between.
  const pair = usePair({
    ddl: TABLES,
    clusters: { major: 18 },
    standby: {
      ddl: TABLES.replace(
        'create table dropped (a int primary key, b text, c text)',
        'create table dropped (c text, x int, b text, a int primary key)',
      ).replace(
        'alter table dropped drop column b;',
        'alter table dropped drop column b; alter table dropped drop column x;',
      ),
    },
  })

  it('C6: every type arrives as it is, changed and copied, under hostile settings of the writer', async () => {
    const { active, standby, same } = pair()
    await withClient(active.url(), async (odd) => {
      await odd.query(HOSTILE_SETTINGS)
      await odd.query(FILL_ZOO)
      await same(...zooTables())
      for (const { table, key } of ZOO_TYPES) {
        if (key)
          await odd.query(
            `update ${table} set n = n + 10 where v is not null; delete from ${table} where n = 11`,
          )
        else await odd.query(`delete from ${table} where n = 1; update ${table} set n = n + 10`)
      }
    })
    await same(...zooTables())
    await standby.engine.resynchronise()
    await eventually(
      () => pair().told('resynchronisationDone').length > 1 && standby.engine.status().inSync,
      'a copy afresh',
    )
    await same(...zooTables())
    assert.deepEqual(
      standby.engine.status().tables.filter((table) => table.state !== 'replicated'),
      [],
    )
    assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
  })

  it('C1, C2, C3, C4, C5: json null, json text, array bounds, big numbers, microseconds, points', async () => {
    const { run, same, standby } = pair()
    await run(`insert into note values
      (1, '{"b":1, "a":2,"a":3}', 'null', '[2:3]={1,2}', 9223372036854775807, '\\xdeadbeef', '2020-01-01 00:00:00.123456+05:30', '(1.5,2.5)'),
      (2, 'null', null, '{}', -9223372036854775808, '', 'infinity', null),
      (3, '[]', '{"big": 9007199254740993}', '{{1,2},{3,null}}', 0, E'\\\\\\\\000\\\\\\\\n', '5000-01-01', '(0,-0)')`)
    await same('note')
    const { rows } = await standby.sql.query<{ j: string; b: string; bounds: string }>(
      `select j::text as j, b::text as b, array_dims(a) as bounds from note where id = 1`,
    )
    assert.deepEqual(rows, [{ j: '{"b":1, "a":2,"a":3}', b: 'null', bounds: '[2:3]' }])
  })

  it('C6: keys made of times, floats, intervals and bytes do not depend on the settings of the writer', async () => {
    const { active, same } = pair()
    await withClient(active.url(), async (odd) => {
      await odd.query(HOSTILE_SETTINGS)
      await odd.query(`insert into stamp_key values ('2020-02-01 10:00:00.5+00', 0.30000000000000004, '1 day 02:03:04.5'),
        ('2021-12-31 23:59:59.999999+00', 1e-300, '-3 mons'); insert into bytes_key values ('\\x00ff', 1), ('\\x5c', 2)`)
      await odd.query(
        `update stamp_key set f = f + 1 where f > 0.1; update bytes_key set v = v + 1`,
      )
      await odd.query(
        `delete from stamp_key where f < 0.1; delete from bytes_key where k = '\\x5c'`,
      )
    })
    await same('stamp_key', 'bytes_key')
  })

  it('C8: names of objects arrive as names, not as numbers of the other server', async () => {
    const { run, same, standby } = pair()
    await standby.sql.query('create table shifts_the_numbers (id int primary key)')
    await run(
      `insert into named values (1, 'target', 'mood', 'postgres', 'now'), (2, 'wide', 'int[]', 'hs_replicator', 'version')`,
    )
    await same('named')
    const { rows } = await standby.sql.query<{ ok: boolean }>(
      `select bool_and(class::oid in ('target'::regclass, 'wide'::regclass)) as ok from named`,
    )
    assert.equal(rows[0]?.ok, true)
    await standby.sql.query('drop table shifts_the_numbers')
  })

  it('C9: blanks of char(n)', async () => {
    const { run, same } = pair()
    await run(`insert into char_key values ('ab', 1), ('abcde', 2), ('', 3); update char_key set v = 3 where k = 'ab';
      update char_key set k = 'a' where k = 'ab   '; delete from char_key where k = ''`)
    await same('char_key')
  })

  it('C10, C11: generated columns, stored and virtual, and identity always', async () => {
    const { run, same, standby } = pair()
    await run(`insert into generated (a) values (1), (2); update generated set a = 5 where id = 1`)
    await same('generated')
    assert.deepEqual(await rowsOf(standby, 'generated'), ['(1,5,10,15)', '(2,2,4,6)'])
  })

  it('C12: a label that only the active has is named, nothing is skipped, and it heals by itself', async () => {
    const { run, same, standby, becomes } = pair()
    await run(`alter type mood add value 'happy'`)
    await run(`insert into feeling values (1, 'happy')`)
    await becomes('public.feeling', 'quarantined', /enum|labels|differ/)
    await eventually(() => !standby.engine.status().inSync, 'no more in sync')
    await standby.sql.query(`alter type mood add value 'happy'`)
    await becomes('public.feeling', 'replicated')
    await same('feeling')
  })

  it('C12: a domain that is narrower on the standby', async () => {
    const { run, same, standby, becomes } = pair()
    await standby.sql.query(`alter domain small add constraint smaller check (value < 10)`)
    await run(`insert into domained values (1, 500)`)
    await becomes('public.domained', 'quarantined', /smaller/)
    await standby.sql.query(`alter domain small drop constraint smaller`)
    await becomes('public.domained', 'replicated')
    await same('domained')
  })

  it('C13, E8: a check that fails on the standby only: the table is named, others go on, it heals by itself', async () => {
    const { run, same, standby, becomes, toldOf } = pair()
    await standby.sql.query(`alter table checked add constraint clock_behind check (v < 100)`)
    await run(`insert into checked values (1, 500); insert into note (id) values (70)`)
    await becomes('public.checked', 'quarantined', /clock_behind/)
    await toldOf('tableQuarantined', /^public\.checked:/)
    await same('note')
    await standby.sql.query('alter table checked drop constraint clock_behind')
    await becomes('public.checked', 'replicated')
    await same('checked')
    await toldOf('tableRecovered', /^public\.checked/)
  })

  it('C15: columns in another order, and dropped ones', async () => {
    const { run, same } = pair()
    await run(
      `insert into dropped values (1, 'c', 4), (2, null, 5); update dropped set c = 'x', d = 9 where a = 1`,
    )
    await inSync(pair().active, pair().standby)
    const columns = 'a, c, d'
    assert.deepEqual(
      await rowsOf(pair().standby, 'dropped', columns),
      await rowsOf(pair().active, 'dropped', columns),
    )
    await same()
    const report = await pair().standby.engine.check({ repair: false })
    assert.deepEqual(report.differences, [])
  })

  it('C16: names with every odd character, and two that share their first 60 bytes', async () => {
    const { run, same } = pair()
    await run(`insert into "${LONG}1" values (1, 'one'); insert into "${LONG}2" values (1, 'two');
      insert into ${ODD} values (1, 'odd'); update ${ODD} set "from" = 2; insert into "Ünï.cöde 😀" values (1, '.')`)
    await same(`"${LONG}1"`, `"${LONG}2"`, ODD, '"Ünï.cöde 😀"')
  })

  it('C17: 400 columns, and a row of some megabytes', async () => {
    const { run, same } = pair()
    await run(`insert into wide (id, c0, c399) values (1, 'first', 'last'), (2, repeat('x', 3000000), repeat('é', 1000000));
      update wide set c200 = c0 where id = 1`)
    await same('wide')
  })

  it('E2: keys shifted under a deferrable and a temporal key', async () => {
    const { run, same } = pair()
    await run(`insert into deferred select n, n from generate_series(1, 20) n;
      insert into booking values ('[1,2)', '[2026-01-01, 2026-02-01)', 'a'), ('[1,2)', '[2026-02-01, 2026-03-01)', 'b'), ('[2,3)', '[2026-01-01,)', 'c')`)
    await same('deferred', 'booking')
    await run(`update deferred set id = id + 1, n = 21 - n; delete from deferred where id = 5;
      begin; delete from booking where v = 'a'; update booking set during = '[2026-01-01, 2026-03-01)' where v = 'b'; commit;
      update booking set room = '[3,4)' where v = 'c'`)
    await same('deferred', 'booking')
  })
})
