import assert from 'node:assert/strict'
import { defaultMajor } from '../../../../examples/demo/postgres-binaries.ts'
import { createReplicationEngine } from '../../../../plugin/replication/engine.ts'
import { eventually, inSync, REPLICATOR, rowsOf, withClient } from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'

const TABLES = `
  create table t (id int primary key, v text);
  create table u (id int primary key, number int not null unique);
  create table parent (id int primary key);
  create table child (id int primary key, parent_id int not null references parent);
  create table fires (id int primary key);`

describe('pitfalls E: applying', function () {
  this.timeout(60_000)
  const pair = usePair({ ddl: TABLES })

  it('E1: a unique value swapped between rows', async () => {
    const { run, same } = pair()
    await run(`insert into u values (1, 100), (2, 101)`)
    await same('u')
    await run(`begin; update u set number = -1 where id = 1; update u set number = 100 where id = 2;
      update u set number = 101 where id = 1; commit`)
    await same('u')
  })

  it('E2: keys shifted and swapped in one transaction', async () => {
    const { run, same } = pair()
    await run(`begin; update u set id = id + 10; update u set id = id - 10; update u set id = 50 where id = 1;
      update u set id = 1 where id = 2; update u set id = 2 where id = 50; commit`)
    await same('u')
  })

  it('E3: parents and children arrive in any order', async () => {
    const { run, same } = pair()
    await run(
      `begin; insert into parent select generate_series(1, 50); insert into child select n, n from generate_series(1, 50) n; commit`,
    )
    await same('parent', 'child')
    await run(`begin; delete from child where id > 10; delete from parent where id > 10; commit`)
    await same('parent', 'child')
  })

  it('E4: a role without the right to replicate is refused, with the statement that gives it', async () => {
    const { active, clusters } = pair()
    await withClient(clusters.first.url(), (client) => client.query('create role bare login'))
    const config = { ...active.config, url: active.config.url.replace(REPLICATOR, 'bare') }
    await active.sql.query(`grant usage on schema "hot ""stand"" by.ñ" to bare;
      grant select on all tables in schema "hot ""stand"" by.ñ" to bare`)
    const engine = createReplicationEngine({ config, serverId: 'active' })
    try {
      await assert.rejects(
        engine.open(),
        (error: { code?: string; details?: { remedy?: string } }) => {
          assert.equal(error.code, 'HS_DATABASE_RIGHTS')
          assert.match(
            error.details?.remedy ?? '',
            /grant set on parameter session_replication_role to "bare"/,
          )
          return true
        },
      )
    } finally {
      await engine.close()
    }
  })

  it('E5: triggers of the platform do not fire again on the standby', async () => {
    const { active, standby, run, same } = pair()
    for (const server of [active, standby])
      await server.sql.query(`create function count_up() returns trigger language plpgsql as
        $$ begin insert into public.t values ((select coalesce(max(id), 0) + 1 from public.t), 'by trigger'); return null; end $$;
        create trigger counting after insert on public.fires for each row execute function count_up()`)
    await run(`insert into fires values (10), (11)`)
    await same('t', 'fires')
  })

  it('E6: a reader of the standby that holds a lock delays the batch, and nothing is lost', async () => {
    const { active, standby, run } = pair()
    await withClient(standby.url(), async (reader) => {
      await reader.query('begin; lock table t in share mode')
      await run(`insert into t values (600, 'waits')`)
      await eventually(async () => {
        const { rowCount } = await standby.sql.query(`select from pg_locks where not granted`)
        return (rowCount ?? 0) > 0
      }, 'the batch waiting')
      await reader.query('commit')
    })
    await inSync(active, standby)
    assert.ok((await rowsOf(standby, 't')).includes('(600,waits)'))
  })

  it('E7: timeouts of the role do not end a batch', async () => {
    const { clusters, active, standby, run, same } = pair()
    for (const cluster of [clusters.first, clusters.second])
      await withClient(cluster.url(), (client) =>
        client.query(`alter role ${REPLICATOR} set statement_timeout = '1ms'; alter role ${REPLICATOR} set lock_timeout = '1ms';
          alter role ${REPLICATOR} set idle_in_transaction_session_timeout = '1ms'; alter role ${REPLICATOR} set datestyle = 'SQL, DMY';
          alter role ${REPLICATOR} set idle_session_timeout = '200ms'${defaultMajor() >= 17 ? `; alter role ${REPLICATOR} set transaction_timeout = '200ms'` : ''}`),
      )
    try {
      await standby.restartEngine()
      await standby.engine.follow(active.source(), 'test')
      await run(`insert into t select n, 'many' from generate_series(10000, 30000) n`)
      await same('t')
    } finally {
      for (const cluster of [clusters.first, clusters.second])
        await withClient(cluster.url(), (client) =>
          client.query(`alter role ${REPLICATOR} reset all`),
        )
    }
  })

  it('E12: whoever writes to the standby is refused by the database, with the reason', async () => {
    const { standby, same } = pair()
    for (const statement of [
      `insert into t values (777777, 'here')`,
      `update t set v = ''`,
      'delete from t',
      'truncate t',
    ])
      await assert.rejects(
        standby.sql.query(statement),
        (error: { code?: string; hint?: string }) => {
          assert.equal(error.code, 'HS423')
          assert.match(error.hint ?? '', /active server/)
          return true
        },
      )
    await same('t')
  })

  it('E13: changes are applied by a role that is no superuser', async () => {
    const { standby } = pair()
    const { rows } = await standby.sql.query<{ super: boolean }>(
      `select bool_or(r.rolsuper) as super from pg_stat_activity a join pg_roles r on r.rolname = a.usename
       where a.datname = current_database() and a.application_name like 'hot-standby apply%'`,
    )
    assert.equal(rows[0]?.super, false)
  })
})
