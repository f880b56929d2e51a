import assert from 'node:assert/strict'
import type pg from 'pg'
import {
  inSync,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../support/database.ts'

const TABLES = `
  create table account (id int primary key, balance int not null, version int not null default 0);
  create table ledger (id bigserial primary key, account_id int not null, amount int not null);
  create table slot (position int primary key, label text unique);
  create table note (body text);
  insert into account select n, 100 from generate_series(1, 40) n;
  insert into slot select n, 'label ' || n from generate_series(1, 50) n;`

/** One writer's statements; every transaction keeps the sum of balances and the ledger's sum as they are. */
async function write(client: pg.Client, random: () => number, count: number): Promise<void> {
  const pick = (limit: number): number => 1 + Math.floor(random() * limit)
  for (let done = 0; done < count; done++) {
    const [from, to, amount] = [pick(40), pick(40), pick(20)]
    const kind = pick(10)
    await client.query('begin')
    try {
      if (kind <= 5) {
        await client.query(
          `update account set balance = balance - $1, version = version + 1 where id = $2`,
          [amount, from],
        )
        await client.query(
          `insert into ledger (account_id, amount) values ($1, -$2::int), ($3, $2)`,
          [from, amount, to],
        )
        if (random() < 0.2) {
          await client.query(
            'savepoint s; update account set balance = 0; delete from ledger; rollback to savepoint s',
          )
        }
        await client.query(
          `update account set balance = balance + $1, version = version + 1 where id = $2`,
          [amount, to],
        )
      } else if (kind === 6) {
        await client.query(`update slot set label = label || '*' where position = $1`, [from])
      } else if (kind === 7) {
        await client.query(
          `insert into slot values ($1, $2) on conflict (position) do update set label = excluded.label`,
          [from, `l ${from} ${random()}`],
        )
      } else if (kind === 8) {
        await client.query(`delete from ledger where id in (select id from ledger order by id limit 2 for update)
          and (select count(*) from ledger) > 1000000`)
        await client.query(`insert into note values ('x')`)
      } else if (kind === 9) {
        await client.query(
          `update slot set position = position + 1000 where position = $1 and not exists (select from slot where position = $1 + 1000)`,
          [from],
        )
      } else {
        await client.query('update account set balance = balance + 1')
        await client.query('rollback')
        continue
      }
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      if (!['40P01', '40001', '23505'].includes((error as { code?: string }).code ?? ''))
        throw error
    }
  }
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

describe('exactness', function () {
  this.timeout(120_000)
  const clusters = useClusters()
  let active: TestServer
  let standby: TestServer

  before(async () => {
    active = await startServer(clusters().first, 'primary', { ddl: TABLES })
    standby = await startServer(clusters().second, 'secondary', { ddl: TABLES })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
  })

  after(async () => {
    await Promise.all([active?.close(), standby?.close()])
  })

  it('is an exact cut at every moment under eight concurrent writers, and equal at the end', async () => {
    await inSync(active, standby)
    let writing = true
    let looks = 0
    const broken: string[] = []
    const reader = withClient(standby.url(), async (client) => {
      while (writing) {
        const { rows } = await client.query<{ balance: string; ledger: string }>(
          `select (select sum(balance) from account)::text as balance,
             (select coalesce(sum(amount), 0) from ledger)::text as ledger`,
        )
        looks++
        const row = rows[0]!
        if (row.balance !== '4000' || row.ledger !== '0') broken.push(JSON.stringify(row))
      }
    })
    const writers = Array.from({ length: 8 }, (_, index) =>
      withClient(active.url(), async (client) => {
        await client.query(`set deadlock_timeout = '10ms'`)
        await write(client, seeded(index + 1), 125)
      }),
    )
    await Promise.all(writers)
    await inSync(active, standby)
    writing = false
    await reader
    assert.ok(looks > 20, `only ${looks} looks`)
    assert.deepEqual(broken, [])
    for (const table of ['account', 'ledger', 'slot', 'note']) {
      assert.deepEqual(await rowsOf(standby, table), await rowsOf(active, table), table)
    }
    const report = await standby.engine.check({ repair: false })
    assert.deepEqual(report.differences, [])
    assert.equal(report.tables, 4)
  })
})
