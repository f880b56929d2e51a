import assert from 'node:assert/strict'
import type { Queryable } from '../../../../plugin/db/transaction.ts'
import { requireSupported } from '../../../../plugin/replication/open-database.ts'
import { WAKE_CHANNEL } from '../../../../plugin/replication/wake-up.ts'
import { eventually, inSync, rowsOf, startServer, withClient } from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'

const OURS = `datname = current_database() and application_name like 'hot-standby%'`

describe('pitfalls D: LISTEN, NOTIFY, connections', function () {
  this.timeout(60_000)
  const pair = usePair({ ddl: 'create table t (id int primary key, v text)' })

  it('D1, D13: a change of any size notifies with an empty payload, once', async () => {
    const { active, run, same } = pair()
    await withClient(active.url(), async (listener) => {
      const heard: (string | undefined)[] = []
      listener.on('notification', (message) => heard.push(message.payload))
      await listener.query(`listen ${WAKE_CHANNEL}`)
      await eventually(async () => {
        await run(
          `insert into t select n, repeat('é', 9000) from generate_series(1, 3) n on conflict (id) do update set v = t.v`,
        )
        await listener.query('select 1')
        return heard.length > 0
      }, 'a notification of a writer while the reader sleeps')
      assert.deepEqual([...new Set(heard)], [''])
    })
    await same('t')
  })

  it('D2: only a sleeping reader is notified: not one that is busy, and nobody while there is none', async () => {
    const { active, standby, same } = pair()
    await withClient(active.url(), async (listener) => {
      let heard = 0
      listener.on('notification', () => heard++)
      await listener.query(`listen ${WAKE_CHANNEL}`)
      const write = (from: number): Promise<number> =>
        withClient(active.url(), async (client) => {
          for (let n = from; n < from + 400; n++)
            await client.query(`insert into t values (${n}, 'x')`)
          await listener.query('select 1')
          return heard
        })

      // Where other programs take the processor from the writers, the reader sleeps in between: the best of three counts.
      const times: number[] = []
      while (times.length < 3 && !times.some((count) => count < 1600)) {
        const before = heard
        const from = times.length * 1_000_000
        await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((writer) => write(from + writer * 100_000)))
        times.push(heard - before)
      }
      const least = Math.min(...times)
      assert.ok(least < 1600, `${least} notifications for 3,200 writes of a busy time`)
      await same('t')

      await standby.engine.close()
      const before = heard
      assert.equal(await write(9_900_000), before, 'notified though nobody reads')
    })
    await standby.restartEngine()
    await standby.engine.follow(active.source(), 'test')
    await same('t')
  })

  it('D2: nobody is notified while the reader is in a batch, however long it takes', async () => {
    const { clusters } = pair()
    let begun = (): void => undefined
    let goOn = (): void => undefined
    const batch = new Promise<void>((resolve) => (begun = resolve))
    const wait = new Promise<void>((resolve) => (goOn = resolve))
    let isBlocking = false
    const ddl = 'create table t (id int primary key, v text)'
    const active = await startServer(clusters.first, 'active', { ddl })
    const standby = await startServer(clusters.second, 'standby', {
      ddl,
      onStep: async (step) => {
        if (!isBlocking || step !== 'beforeCommit') return
        begun()
        await wait
      },
    })
    try {
      await active.engine.promote(1)
      await standby.engine.follow(active.source(), 'test')
      await inSync(active, standby)
      isBlocking = true
      const check = standby.engine.check({ repair: false })
      await batch
      await withClient(active.url(), async (listener) => {
        let heard = 0
        listener.on('notification', () => heard++)
        await listener.query(`listen ${WAKE_CHANNEL}`)
        for (let n = 0; n < 100; n++) await active.sql.query(`insert into t values (${n}, 'x')`)
        await listener.query('select 1')
        assert.equal(heard, 0)
      })
      isBlocking = false
      goOn()
      await check
      await inSync(active, standby)
      assert.deepEqual(await rowsOf(standby, 't'), await rowsOf(active, 't'))
    } finally {
      goOn()
      await Promise.all([active.close(), standby.close()])
    }
  })

  it('D3, D4: the listener never sits in a transaction, so the queue of notifications drains', async () => {
    const { active, same } = pair()
    await same('t')
    const { rows } = await active.sql.query<{ state: string; xact: string | null; usage: string }>(
      `select state, xact_start::text as xact, pg_notification_queue_usage()::text as usage
       from pg_stat_activity where ${OURS} and query ilike '%listen%'`,
    )
    for (const row of rows) assert.deepEqual([row.state, row.xact], ['idle', null])
    const usage = await active.sql.query<{ usage: number }>(
      'select pg_notification_queue_usage() as usage',
    )
    assert.ok((usage.rows[0]?.usage ?? 1) < 0.01)
  })

  it('D5, D6, D9, D17: every connection ended by the administrator comes back, without a leak', async () => {
    const { active, standby, run, same } = pair()
    const count = async (): Promise<number> => {
      const { rows } = await active.sql.query<{ n: string }>(
        `select count(*)::text as n from pg_stat_activity where ${OURS}`,
      )
      return Number(rows[0]?.n)
    }
    const before = await count()
    for (let n = 0; n < 3; n++) {
      for (const server of [active, standby])
        await server.sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where ${OURS}`,
        )
      await run(`insert into t values (${2000 + n}, 'while away')`)
      await eventually(
        async () => (await rowsOf(standby, 't')).includes(`(${2000 + n},"while away")`),
        'the change',
      )
    }
    await same('t')
    await eventually(async () => (await count()) <= before, 'no more connections than before')
  })

  it('D7, F6: notifications with garbage, by anybody, do nothing', async () => {
    const { run, same } = pair()
    await run(`create role noisy login`)
    await run(`set role noisy; notify ${WAKE_CHANNEL}, 'garbage {'; notify ${WAKE_CHANNEL}, '[1'; reset role;
      insert into t values (3000, 'after the noise')`)
    await same('t')
  })

  it('D10, D16: a registration that is lost costs time and never a change', async () => {
    const { active, run, same, standby } = pair()
    await run(
      `select pg_terminate_backend(pid) from pg_stat_activity where ${OURS} and query ilike '%listen%'`,
    )
    await run(`insert into t values (3100, 'nobody listened')`)
    await eventually(
      async () => (await rowsOf(standby, 't')).includes('(3100,"nobody listened")'),
      'the change, by polling',
      3000,
    )
    await inSync(active, standby)
    await same('t')
  })

  it('D11, D12: the channel is one constant that needs no quotes and fits', () => {
    assert.match(WAKE_CHANNEL, /^[a-z_]{1,63}$/)
  })

  it('D14, D15: a pooler in transaction mode and a physical replica are refused by name', async () => {
    let pid = 0
    const answering = (recovery: string): Queryable =>
      ({
        query: () =>
          Promise.resolve({ rows: [{ version: '170000', recovery, pid: String(++pid) }] }),
      }) as unknown as Queryable
    const reason = (error: unknown): string =>
      String((error as { details?: { reason?: string } }).details?.reason)
    await assert.rejects(requireSupported(answering('false')), (error) =>
      /pooler/.test(reason(error)),
    )
    await assert.rejects(requireSupported(answering('true')), (error) =>
      /physical replica/.test(reason(error)),
    )
  })
})
