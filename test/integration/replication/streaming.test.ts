import assert from 'node:assert/strict'
import {
  inSync,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
} from '../../support/database.ts'

const TABLES = `
  create table extension (id serial primary key, number text not null unique, name text);
  create table "Ring Group" ("Group Id" uuid primary key default gen_random_uuid(), "na.me" text);
  create table member (extension_id int, position numeric(6,2), primary key (extension_id, position));
  create table note (body text);
  create table call (id bigint generated always as identity, at timestamptz not null, primary key (id, at))
    partition by range (at);
  create table call_old partition of call for values from ('2000-01-01') to ('2020-01-01');
  create table call_new partition of call for values from ('2020-01-01') to ('2100-01-01');
  insert into extension (number, name) select 100 + n, 'Extension ' || n from generate_series(1, 500) n;`

describe('streaming', function () {
  this.timeout(60_000)
  const clusters = useClusters()
  let active: TestServer
  let standby: TestServer

  beforeEach(async () => {
    active = await startServer(clusters().first, 'primary', { ddl: TABLES })
    standby = await startServer(clusters().second, 'secondary', { ddl: TABLES })
    await standby.sql.query('delete from extension')
    await active.engine.promote(1)
    await standby.engine.follow(
      active.source(() => 1),
      'test',
    )
  })

  afterEach(async () => {
    await Promise.all([active?.close(), standby?.close()])
  })

  it('copies what was there and follows every kind of table', async () => {
    await inSync(active, standby)
    assert.deepEqual(await rowsOf(standby, 'extension'), await rowsOf(active, 'extension'))
    await active.sql.query(`
      update extension set name = 'new' where id < 10;
      delete from extension where id between 20 and 30;
      insert into "Ring Group" ("na.me") values ('sales'), (null), ('');
      insert into member values (1, 1.50), (1, 2.5), (2, 1);
      update member set position = position + 10;
      insert into note values ('a'), ('a'), (null);
      insert into call (at) values ('2010-01-01'), ('2030-01-01');
      update call set at = '2031-01-01' where at < '2020-01-01'`)
    await inSync(active, standby)
    for (const table of ['extension', '"Ring Group"', 'member', 'note', 'call']) {
      assert.deepEqual(await rowsOf(standby, table), await rowsOf(active, table), table)
    }
    assert.equal(standby.engine.status().phase, 'streaming')
    assert.equal(standby.engine.status().inSync, true)
  })
})
