import assert from 'node:assert/strict'
import { quoteName } from '../../../../plugin/db/identifiers.ts'
import {
  eventually,
  inSync,
  ODD_SCHEMA,
  rowsOf,
  startServer,
  withClient,
} from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'

const SCHEMA = quoteName(ODD_SCHEMA)

describe('pitfalls G: the life of the journal', function () {
  this.timeout(90_000)
  const pair = usePair({
    ddl: `create table t (id int primary key, v text); create table wide (id int primary key, v text);
      alter table wide alter column v set storage plain`,
  })

  const journalRows = async (): Promise<number> => {
    const { rows } = await pair().active.sql.query<{ n: string }>(
      `select count(*)::text as n from ${SCHEMA}.journal`,
    )
    return Number(rows[0]?.n)
  }

  it('G1: an entry takes less than 200 bytes with its indexes, and what the standby has goes away', async () => {
    const { active, run, same } = pair()
    await withClient(active.url(), async (holder) => {
      // Held open, so that nothing is purged before it is measured.
      await holder.query(`begin; lock table ${SCHEMA}.tick in access exclusive mode`)
      await run(`insert into t select n, 'x' from generate_series(1, 20000) n`)
      const { rows } = await active.sql.query<{ bytes: string }>(
        `select pg_total_relation_size('${SCHEMA.replaceAll("'", "''")}.journal')::text as bytes`,
      )
      assert.ok(Number(rows[0]?.bytes) / 20_000 < 200, rows[0]?.bytes)
      await holder.query('rollback')
    })
    await same('t')
    await eventually(async () => (await journalRows()) === 0, 'the journal purged')
  })

  it('G2, G6: somebody who dumps the journal stops neither writers nor the purge', async () => {
    const { active, run, same } = pair()
    await withClient(active.url(), async (dump) => {
      await dump.query(
        `begin isolation level repeatable read; lock table ${SCHEMA}.journal in access share mode; select 1`,
      )
      await run(`update t set v = 'while dumping' where id < 500`)
      await same('t')
      await eventually(async () => (await journalRows()) === 0, 'the journal purged')
      await dump.query('commit')
    })
  })

  it('G3: an active that never had a standby tells it when its journal reaches the cap', async () => {
    const { clusters } = pair()
    const active = await startServer(clusters.first, 'alone', {
      ddl: 'create table t (id int primary key, v text)',
      config: { journalCapBytes: 1_048_576 },
    })
    try {
      await active.engine.promote(1)
      await active.sql.query(`insert into t select n, 'x' from generate_series(1, 30000) n`)
      await active.sql.query(`update t set v = 'y'`)
      await eventually(
        () =>
          active.history.some(
            (entry) =>
              entry.kind === 'journalCapReached' && /no standby has come yet/.test(entry.reason),
          ),
        'the event',
      )
      await active.sql.query(`insert into t values (0, 'goes on')`)
    } finally {
      await active.close()
    }
  })

  it('G4: the active tells table by table what the standby has not got, and when it last changed', async () => {
    const { active, standby, run, same } = pair()
    const table = () => active.engine.status().tables.find(({ name }) => name === 'public.t')
    await same('t')
    await eventually(() => table()?.lag?.rows === 0, 'nothing behind')
    const before = new Date().toISOString()
    standby.engine.setPaused(true)
    await eventually(() => standby.engine.status().phase === 'paused', 'paused')
    await run(`update t set v = 'per table' where id between 1 and 7`)
    await eventually(() => table()?.lag?.rows === 7, 'seven behind')
    assert.ok((table()?.lastChangeAt ?? '') >= before)
    await eventually(() => (table()?.lag?.ageMs ?? 0) > 0, 'an age')
    // In bytes it is what the rows take, and not what their keys in the journal do.
    await run(
      `insert into wide select n, repeat('x', 2000) from generate_series(1, 500) n; analyze wide`,
    )
    await eventually(() => {
      const lag = active.engine.status().lag
      return lag?.rows === 507 && lag.bytes > 500 * 2000 && lag.bytes < 500 * 4000
    }, 'about a megabyte')
    standby.engine.setPaused(false)
    await same('t')
    await eventually(() => table()?.lag?.rows === 0, 'nothing behind again')
  })

  it('G4: what the standby has not got stays', async () => {
    const { active, standby, run, same } = pair()
    await standby.engine.standAlone({ forget: false })
    await run(`update t set v = 'kept' where id <= 100`)
    await eventually(() => (active.engine.status().lag?.rows ?? 0) >= 100, 'the lag of 100 changes')
    assert.ok((await journalRows()) >= 100)
    await standby.engine.follow(active.source(), 'test')
    await same('t')
    await eventually(async () => (await journalRows()) === 0, 'the journal purged')
  })

  it('G5: a publication for all tables does not stop the purge', async () => {
    const { run, same } = pair()
    await run('create publication everything for all tables')
    await run(`update t set v = 'published' where id <= 100`)
    await same('t')
    await eventually(async () => (await journalRows()) === 0, 'the journal purged')
    await run('drop publication everything')
  })

  it('G7: 500 tables in one pair', async () => {
    const { clusters } = pair()
    const ddl = Array.from(
      { length: 500 },
      (_, n) => `create table many_${n} (id int primary key, v text);`,
    ).join('\n')
    const active = await startServer(clusters.first, 'active', { ddl })
    const standby = await startServer(clusters.second, 'standby', { ddl })
    try {
      await active.engine.promote(1)
      await standby.engine.follow(active.source(), 'test')
      await inSync(active, standby, 60_000)
      assert.equal(standby.engine.status().tables.length, 500)
      await active.sql.query(
        Array.from({ length: 500 }, (_, n) => `insert into many_${n} values (${n}, 'x')`).join(';'),
      )
      await inSync(active, standby, 60_000)
      for (const n of [0, 250, 499])
        assert.deepEqual(await rowsOf(standby, `many_${n}`), [`(${n},x)`])
      const begun = performance.now()
      await active.sql.query(`update many_77 set v = 'one of them'`)
      await inSync(active, standby)
      assert.ok(performance.now() - begun < 5000)
      assert.deepEqual(await rowsOf(standby, 'many_77'), ['(77,"one of them")'])
    } finally {
      await Promise.all([active.close(), standby.close()])
    }
  })
})
