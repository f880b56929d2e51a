import assert from 'node:assert/strict'
import type pg from 'pg'
import { HotStandbyError } from '../../../plugin/errors.ts'
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
import { quoteName } from '../../../plugin/db/identifiers.ts'

const TABLES = `
  create table extension (id serial primary key, number text not null unique, name text, seen_by text);
  create table log (line text);
  create table local_setting (name text primary key, value text);
  create table mixed (id int primary key, owner text, value text);`
const SCHEMA = quoteName(ODD_SCHEMA)
const EXCLUDE = {
  tables: ['local_setting'],
  columns: { extension: ['seen_by'] },
  rows: { mixed: `owner = 'local'` },
}

describe('roles, write lock and take-over', function () {
  this.timeout(60_000)
  const clusters = useClusters()
  let one: TestServer
  let two: TestServer

  beforeEach(async () => {
    one = await startServer(clusters().first, 'one', { ddl: TABLES, config: { exclude: EXCLUDE } })
    two = await startServer(clusters().second, 'two', { ddl: TABLES, config: { exclude: EXCLUDE } })
    await one.engine.promote(1)
    await one.sql
      .query(`insert into extension (number, name) select n, 'n' || n from generate_series(1, 50) n;
      insert into log values ('begin')`)
    await two.engine.follow(
      one.source(() => 1),
      'test',
    )
    await inSync(one, two)
  })

  afterEach(async () => {
    await Promise.all([one?.close(), two?.close()])
  })

  const started = (server: TestServer): number =>
    server.history.filter((entry) => entry.kind === 'resynchronisationStarted').length

  it('refuses every write on the standby with HS423 and names the active server', async () => {
    for (const statement of [
      `insert into extension (number) values ('x')`,
      `update extension set name = 'x' where id = 1`,
      `delete from extension where id = 1`,
      'truncate extension',
      `insert into log values ('x')`,
      `insert into mixed values (1, 'shared', 'x')`,
    ]) {
      const error = await two.sql.query(statement).then(
        () => null,
        (thrown: unknown) => thrown as pg.DatabaseError,
      )
      assert.equal(error?.code, 'HS423', statement)
      assert.match(error?.hint ?? '', /active server \(one\)/)
    }
    assert.deepEqual(await rowsOf(two, 'extension'), await rowsOf(one, 'extension'))
  })

  it('lets the standby keep what belongs to it: excluded tables, columns and rows', async () => {
    await two.sql.query(`update extension set seen_by = 'two' where id = 1;
      insert into mixed values (1, 'local', 'of two'); insert into local_setting values ('a', 'two')`)
    await one.sql.query(`insert into mixed values (2, 'local', 'of one'), (3, 'shared', 'of both');
      update extension set name = 'changed', seen_by = 'one' where id = 1;
      insert into local_setting values ('a', 'one')`)
    await inSync(one, two)
    assert.deepEqual(await rowsOf(two, 'mixed'), ['(1,local,"of two")', '(3,shared,"of both")'])
    assert.deepEqual(await rowsOf(two, '(select name, seen_by from extension where id = 1) e'), [
      '(changed,two)',
    ])
    assert.deepEqual(await rowsOf(two, 'local_setting'), ['(a,two)'])
    const listed = two.engine.status().notReplicated.map((entry) => `${entry.kind} ${entry.name}`)
    assert.ok(
      listed.includes('table public.local_setting') &&
        listed.includes('column public.extension.seen_by') &&
        listed.includes('rows public.mixed'),
    )
    await two.engine.resynchronise()
    await eventually(() => started(two) === 2, 'a second copy')
    await inSync(one, two)
    assert.deepEqual(await rowsOf(two, '(select name, seen_by from extension where id = 1) e'), [
      '(changed,two)',
    ])
    assert.deepEqual(await rowsOf(two, 'mixed'), ['(1,local,"of two")', '(3,shared,"of both")'])
  })

  it('a transaction with an old snapshot cannot write past the lock of a hand-over', async () => {
    await withClient(one.url(), async (late) => {
      await late.query('begin isolation level repeatable read')
      await late.query('select count(*) from log')
      await one.engine.prepareHandOver(5000)
      const error = await late
        .query(`insert into log values ('too late')`)
        .catch((thrown: unknown) => thrown as pg.DatabaseError)
      assert.equal((error as pg.DatabaseError).code, 'HS423')
    })
    await one.engine.undoHandOver()
    await one.sql.query(`insert into log values ('again')`)
  })

  it('waits for writers in flight before a hand-over, and gives up in time, naming them', async () => {
    await withClient(one.url(), async (writer) => {
      await writer.query(
        `set application_name = 'slow writer'; begin; insert into log values ('in flight')`,
      )
      const refused = await one.engine.prepareHandOver(200).then(
        () => null,
        (error: unknown) => error,
      )
      assert.ok(refused instanceof HotStandbyError && refused.code === 'HS_TIMEOUT')
      assert.match(refused.message, /slow writer/)
      // Rolled back: the active goes on.
      await one.sql.query(`insert into log values ('still active')`)
      const waiting = one.engine.prepareHandOver(10_000)
      await eventually(
        async () => (await rowsOf(one, `${SCHEMA}.capture_mode`, 'last_value')).includes('(3)'),
        'the lock',
      )
      await writer.query('commit')
      const position = await waiting
      await two.engine.applyUpTo(position, 5000)
    })
    assert.deepEqual(await rowsOf(two, 'log'), await rowsOf(one, 'log'))
  })

  it('follows without a copy after a planned hand-over, in both directions', async () => {
    const position = await one.engine.prepareHandOver(5000)
    await two.engine.applyUpTo(position, 5000)
    await two.engine.promote(2)
    await two.sql.query(`insert into extension (number, name) values ('200', 'on two')`)
    await one.engine.follow(
      two.source(() => 2),
      'handed over',
    )
    await inSync(two, one)
    assert.equal(started(one), 0)
    assert.deepEqual(
      await rowsOf(one, 'extension', 'id, number, name'),
      await rowsOf(two, 'extension', 'id, number, name'),
    )
    const back = await two.engine.prepareHandOver(5000)
    await one.engine.applyUpTo(back, 5000)
    await one.engine.promote(3)
    await two.engine.follow(
      one.source(() => 3),
      'handed back',
    )
    await one.sql.query(
      `delete from extension where number = '200'; insert into extension (number) values ('201')`,
    )
    await inSync(one, two)
    assert.equal(started(two), 1)
    assert.deepEqual(
      await rowsOf(two, 'extension', 'id, number, name'),
      await rowsOf(one, 'extension', 'id, number, name'),
    )
    assert.deepEqual((await two.engine.check({ repair: false })).differences, [])
  })

  /** Both change rows after a failover, the old active comes back. */
  const comeBack = async (): Promise<void> => {
    await one.sql.query(`insert into log values ('sent')`)
    await inSync(one, two)
    await two.engine.promote(2)
    await one.sql.query(`update extension set name = 'lost update' where id = 1;
      delete from extension where id = 2; insert into extension (number, name) values ('900', E'lost\ninsert')`)
    await two.sql.query(`update extension set name = 'won' where id in (1, 7);
      insert into log values ('after')`)
  }
  const follow = async (): Promise<void> => {
    await one.engine.follow(
      two.source(() => 2),
      'failed over',
    )
    await inSync(two, one)
    for (const [table, columns] of [
      ['extension', 'id, number, name'],
      ['log', '*'],
    ] as const)
      assert.deepEqual(await rowsOf(one, table, columns), await rowsOf(two, table, columns))
  }
  const unsent = async () => {
    const { rows } = await one.sql.query<{
      kind: string
      key_values: string[]
      row_values: string[] | null
      winner_changed: boolean | null
      winner_values: string[] | null
    }>(
      `select kind, key_values, row_values, winner_changed, winner_values
       from ${SCHEMA}.unsent_change order by key_values[1]::int`,
    )
    return rows.map((row) => [
      row.kind,
      row.key_values[0],
      row.row_values?.[2] ?? null,
      row.winner_changed,
      row.winner_values?.[2] ?? null,
    ])
  }

  it('H5: after a failover keeps what was never sent, and copies only the rows that either server changed', async () => {
    await comeBack()
    await follow()
    assert.equal(started(one), 0, 'no copy afresh')
    const event = one.history.find((entry) => entry.kind === 'unsentChanges')
    assert.equal(event?.data['count'], 3)
    assert.deepEqual(await unsent(), [
      ['row', '1', 'lost update', true, 'won'],
      ['deleted', '2', null, false, 'n2'],
      ['row', '51', 'lost\ninsert', false, null],
    ])
    assert.deepEqual((await one.engine.check({ repair: false })).differences, [])
    // The pair works in both directions afterwards, and numbers never collide.
    await two.sql.query(`insert into extension (number) values ('901')`)
    const position = await two.engine.prepareHandOver(5000)
    await one.engine.applyUpTo(position, 5000)
    await one.engine.promote(3)
    await one.sql.query(`insert into extension (number) values ('902')`)
    assert.equal(started(one), 0)
  })

  it('H5: comes back by keys also after a quiet time, when all that was sent is purged', async () => {
    await one.sql.query(`update extension set name = 'sent' where id = 3`)
    await eventually(async () => {
      const { rowCount } = await one.sql.query(
        `select from ${SCHEMA}.server_state s where s.purged_tick_id = s.acknowledged_tick_id
           and not exists (select from ${SCHEMA}.journal) and exists (select from extension where name = 'sent')`,
      )
      return rowCount === 1 && (await rowsOf(two, 'extension', 'name')).includes('(sent)')
    }, 'the purge of all that the standby has')
    // As a quick batch leaves it, whose tick came after its commit: the position names the tick before.
    await two.sql.query(`update ${SCHEMA}.applied_position set tick_id = tick_id - 1`)
    await two.engine.promote(2)
    await one.sql.query(`update extension set name = 'lost update' where id = 1`)
    await follow()
    assert.equal(started(one), 0, 'no copy afresh')
    assert.deepEqual(await unsent(), [['row', '1', 'lost update', false, 'n1']])
  })

  it('H5: copies afresh when more is purged than the new active had: it was set back', async () => {
    await comeBack()
    await one.sql.query(
      `update ${SCHEMA}.server_state set acknowledged_snapshot = pg_current_snapshot()`,
    )
    await follow()
    assert.equal(started(one), 1)
  })

  it('H5: copies afresh when the own journal may lack something, and keeps the changes all the same', async () => {
    await comeBack()
    await one.sql.query(`update ${SCHEMA}.server_state set generation = gen_random_uuid()`)
    await follow()
    assert.equal(started(one), 1)
    assert.deepEqual(await unsent(), [
      ['row', '1', 'lost update', null, 'won'],
      ['deleted', '2', null, null, 'n2'],
      ['row', '51', 'lost\ninsert', null, null],
    ])
  })

  it('H5: finds and repairs what changed past the journal in the tables that were touched', async () => {
    await comeBack()
    await one.sql.query(`alter table extension disable trigger all;
      update extension set name = 'past the journal' where id = 20; alter table extension enable trigger all`)
    await follow()
    assert.equal(started(one), 0)
  })

  it('H3: sequences never collide after a take-over', async () => {
    await one.sql.query(`select nextval('extension_id_seq') from generate_series(1, 20)`)
    await two.engine.promote(2)
    await two.sql.query(`insert into extension (number) values ('300')`)
    const { rows } = await two.sql.query<{ id: number }>(
      `select id from extension where number = '300'`,
    )
    assert.ok(rows[0]!.id > 70, `id ${rows[0]!.id}`)
  })

  it('goes on where it was after a restart of the agent', async () => {
    await two.restartEngine()
    await one.sql.query(`insert into log values ('while away')`)
    await two.engine.follow(
      one.source(() => 1),
      'restart',
    )
    await inSync(one, two)
    assert.equal(started(two), 1)
    assert.deepEqual(await rowsOf(two, 'log'), await rowsOf(one, 'log'))
  })
})
