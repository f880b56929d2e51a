import assert from 'node:assert/strict'
import { startPostgresCluster } from '../../../../examples/demo/postgres-cluster.ts'
import { quoteName } from '../../../../plugin/db/identifiers.ts'
import { readWindow } from '../../../../plugin/replication/queries/journal.ts'
import {
  eventually,
  inSync,
  ODD_SCHEMA,
  REPLICATOR,
  rowsOf,
  startServer,
  withClient,
} from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'

const SCHEMA = quoteName(ODD_SCHEMA)
const TABLES = `
  create table t (id int primary key, v text, n int not null default 0);
  create table u (id int primary key, number int not null unique);
  create table steady (id int primary key, v text);
  insert into steady select n, 'row ' || n from generate_series(1, 200) n;
  create table one (id int primary key, n int not null); insert into one select n, 10 from generate_series(1, 20) n;
  create table other (id int primary key, n int not null); insert into other select n, 10 from generate_series(1, 20) n;`

describe('pitfalls A: order, visibility, durability', function () {
  this.timeout(60_000)
  // A clock that jumps by an hour whenever it is read: nothing but display may depend on it.
  let reads = 0
  const clock = { now: () => Date.now() + (reads++ % 2 === 0 ? -1 : 1) * 3_600_000 }
  const pair = usePair({ ddl: TABLES })

  it('A1: a transaction that commits late is not skipped, whatever its sequence number', async () => {
    const { active, standby, run, same } = pair()
    await withClient(active.url(), async (late) => {
      await late.query(`begin; insert into t (id, v) values (1, 'late')`)
      await run(`insert into t (id, v) values (2, 'early')`)
      await inSync(active, standby)
      assert.deepEqual(await rowsOf(standby, 't'), ['(2,early,0)'])
      await late.query('commit')
    })
    await same('t')
  })

  it('A2: an open transaction, idle for as long as it likes, stops nobody', async () => {
    const { active, standby, run, same } = pair()
    await withClient(active.url(), async (idle) => {
      await idle.query(`begin; update u set number = 1 where false; select pg_current_xact_id()`)
      for (let n = 0; n < 3; n++) {
        await run(`insert into t (id, v) values (${20 + n}, 'meanwhile')`)
        await inSync(active, standby)
        assert.ok((await rowsOf(standby, 't')).includes(`(${20 + n},meanwhile,0)`))
      }
      await idle.query(`insert into t (id, v) values (29, 'at last'); commit`)
    })
    await same('t')
  })

  it('A3: a savepoint that is released is not visible before its transaction', async () => {
    const { active, standby, run, same } = pair()
    await withClient(active.url(), async (other) => {
      await other.query(`begin; savepoint a; insert into t (id, v) values (30, 'kept'); release a`)
      await run(`insert into t (id, v) values (31, 'other')`)
      await inSync(active, standby)
      assert.ok(!(await rowsOf(standby, 't')).includes('(30,kept,0)'))
      await other.query('commit')
    })
    await same('t')
  })

  it('A4: a journal whose sequence hands out numbers out of order is read all the same', async () => {
    const { active, run, same } = pair()
    await run(`alter table ${SCHEMA}.journal alter column seq set cache 50`)
    await withClient(active.url(), (a) =>
      withClient(active.url(), async (b) => {
        await b.query(`insert into t (id, v) values (40, 'b0')`)
        await a.query(`update t set v = 'A1' where id = 40`)
        await b.query(`update t set v = 'B2' where id = 40`)
        await a.query(`begin; delete from t where id = 40; truncate u; commit`)
        await b.query(`insert into t (id, v) values (40, 'last'); insert into u values (1, 1)`)
      }),
    )
    await run(`alter table ${SCHEMA}.journal alter column seq set cache 1`)
    await same('t', 'u')
  })

  it('A5: no clock decides: one that jumps by hours loses nothing', async () => {
    const { clusters } = pair()
    const ddl = 'create table t (id int primary key, v text)'
    const active = await startServer(clusters.first, 'active', { ddl, clock })
    const standby = await startServer(clusters.second, 'standby', { ddl, clock })
    try {
      await active.engine.promote(1)
      await standby.engine.follow(active.source(), 'test')
      for (let n = 0; n < 20; n++) {
        await active.sql.query(`insert into t values (${n}, 'x'); update t set v = v || 'y'`)
        if (n % 5 === 0) await inSync(active, standby)
      }
      await inSync(active, standby)
      assert.deepEqual(await rowsOf(standby, 't'), await rowsOf(active, 't'))
    } finally {
      await Promise.all([active.close(), standby.close()])
    }
  })

  it('A6: an active that was set back in time is not trusted; the standby copies afresh', async () => {
    const { active, standby, run, same, told } = pair()
    const before = told('resynchronisationStarted').length
    await standby.restartEngine()
    // The tick that the standby stands at is gone, as after a restore of an older copy of the active.
    await run(`delete from ${SCHEMA}.tick`)
    await run(`insert into t (id, v) values (60, 'after the restore')`)
    await standby.engine.follow(active.source(), 'test')
    await same('t')
    const copies = told('resynchronisationStarted')
    assert.equal(copies.length, before + 1)
    assert.match(copies.at(-1) ?? '', /does not know the position/)
  })

  it('A8: truncated and rewritten in one transaction, a table is never seen empty on the standby', async () => {
    const { standby, run, same } = pair()
    await same('steady')
    let going = true
    let looks = 0
    const seen = new Set<string>()
    const reader = withClient(standby.url(), async (client) => {
      while (going) {
        const { rows } = await client.query<{ n: string }>('select count(*)::text as n from steady')
        seen.add(rows[0]?.n ?? '')
        looks++
      }
    })
    for (let n = 0; n < 15; n++) {
      // Before the rest: by itself it would be noticed a moment later, and not at the next cut.
      if (n % 5 === 0) await run(`alter table steady alter column v type text using v || '!'`)
      await run(`begin; create temporary table kept on commit drop as select * from steady; truncate steady;
        insert into steady select id, v || '.' from kept; commit`)
      if (n % 3 === 0) await same('steady')
    }
    await same('steady')
    going = false
    await reader
    assert.deepEqual([...seen], ['200'])
    assert.ok(looks > 20, `only ${looks} looks`)
  })

  it('A9: a prepared transaction stops nobody, prepares in spite of capture, and arrives when it commits', async () => {
    const { clusters } = pair()
    const ddl = 'create table t (id int primary key, v text)'
    const cluster = await startPostgresCluster({
      durable: false,
      settings: { max_prepared_transactions: '5' },
    })
    await withClient(cluster.url(), (client) =>
      client.query(`create role ${REPLICATOR} login;
        grant set on parameter session_replication_role to ${REPLICATOR}`),
    )
    const active = await startServer(cluster, 'active', { ddl })
    const standby = await startServer(clusters.second, 'standby', { ddl })
    try {
      await active.engine.promote(1)
      await standby.engine.follow(active.source(), 'test')
      await withClient(active.url(), (other) =>
        other.query(`begin; insert into t values (1, 'prepared'); prepare transaction 'p1'`),
      )
      await active.sql.query(`insert into t values (2, 'meanwhile')`)
      await inSync(active, standby)
      assert.deepEqual(await rowsOf(standby, 't'), ['(2,meanwhile)'])
      await active.sql.query(`commit prepared 'p1'`)
      await inSync(active, standby)
      assert.deepEqual(await rowsOf(standby, 't'), ['(1,prepared)', '(2,meanwhile)'])
    } finally {
      await Promise.all([active.close(), standby.close()])
      await cluster.destroy()
    }
  })

  it('A10: what a savepoint rolled back never happened, and its gap in the sequence is waited for by nobody', async () => {
    const { run, same } = pair()
    await run(`begin; insert into t (id, v) values (100, 'a'); savepoint s; insert into t (id, v) values (101, 'gone');
      update t set v = 'gone'; rollback to s; insert into t (id, v) values (102, 'b'); commit`)
    await run(`begin; insert into t (id, v) values (103, 'gone'); rollback`)
    await same('t')
  })

  it('A11: a change whose number was drawn long before it is visible needs no second change to arrive', async () => {
    const { active, standby } = pair()
    await withClient(active.url(), async (slow) => {
      await slow.query(`begin; insert into t (id, v) values (110, 'slow')`)
      const looks = standby.engine.status().lastBatch
      // The reader has looked and gone to sleep: it holds the bell.
      await eventually(async () => {
        const { rowCount } = await active.sql.query(
          `select from pg_locks where locktype = 'advisory' and objsubid = 1 and mode = 'ExclusiveLock' and granted`,
        )
        return rowCount === 1
      }, 'the reader asleep')
      assert.deepEqual(standby.engine.status().lastBatch, looks)
      await slow.query('commit')
    })
    await eventually(
      async () => (await rowsOf(standby, 't')).includes('(110,slow,0)'),
      'the change, without another one after it',
    )
  })

  it('A12: transaction ids above 32 bits are compared in full', async () => {
    const { active, run } = pair()
    await run('begin')
    try {
      await run(`insert into ${SCHEMA}.journal (xid, table_id, op) values
        ('4294967300', 9001, 'W'), ('8589934600', 9002, 'W'), ('12884901900', 9003, 'W')`)
      // 9001 is before, 9002 was in progress, 9003 is after; with 32 bits all three would be one.
      const window = await readWindow(active.sql, SCHEMA, '8589934600:8589934700:8589934600')
      const ids = window.map((table) => table.tableId).filter((id) => id > 9000)
      assert.deepEqual(ids, [9002, 9003])
    } finally {
      await run('rollback')
    }
  })

  it('A13: a transaction that stays open is told once, with who holds it, and when it ends', async () => {
    const { clusters } = pair()
    let hours = 0
    const active = await startServer(clusters.first, 'active', {
      ddl: 'create table t (id int primary key)',
      clock: { now: () => Date.now() + hours * 3_600_000 },
    })
    const told = (kind: string): string[] =>
      active.history.filter((entry) => entry.kind === kind).map(({ reason }) => reason)
    try {
      await active.engine.promote(1)
      await withClient(active.url(), async (idle) => {
        await idle.query(`begin isolation level repeatable read; select from t`)
        // The first look may have been before; an hour later is long enough for the next two.
        await eventually(() => {
          hours++
          return told('longTransaction').length > 0
        }, 'the alarm')
        assert.match(
          told('longTransaction')[0] ?? '',
          /session \d+ of postgres has kept .* for \d+ minutes/,
        )
      })
      await eventually(() => {
        hours++
        return told('longTransactionEnded').length > 0
      }, 'the end')
      assert.equal(told('longTransaction').length, 1)
    } finally {
      await active.close()
    }
  })

  it('A14: rows of one transaction in two tables are never seen apart', async () => {
    const { active, standby, same } = pair()
    await same('one', 'other')
    let going = true
    const sums = new Set<string>()
    const reader = withClient(standby.url(), async (client) => {
      while (going) {
        const { rows } = await client.query<{ sum: string }>(
          'select ((select sum(n) from one) + (select sum(n) from other))::text as sum',
        )
        sums.add(rows[0]?.sum ?? '')
      }
    })
    const writers = [1, 2, 3, 4].map((seed) =>
      withClient(active.url(), async (client) => {
        for (let n = 0; n < 50; n++)
          await client.query(`begin; update one set n = n - 1 where id = ${1 + ((n * seed) % 20)};
            update other set n = n + 1 where id = ${1 + ((n * 7) % 20)}; commit`)
      }).catch((error: unknown) => {
        if ((error as { code?: string }).code !== '40P01') throw error
      }),
    )
    await Promise.all(writers)
    await same('one', 'other')
    going = false
    await reader
    assert.deepEqual([...sums], ['400'])
  })
})
