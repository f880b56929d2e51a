import assert from 'node:assert/strict'
import { inSync } from '../../support/database.ts'
import { usePair } from '../../support/pair.ts'

const MIB = 1024 * 1024
/** `HOT_STANDBY_MEMORY_ROWS=1000000` measures the whole promise; the suite a part of it. */
const ROWS = Number(process.env['HOT_STANDBY_MEMORY_ROWS'] ?? 200_000)
const GROWTH_LIMIT = 200 * MIB

describe('memory of the agent', function () {
  this.timeout(300_000)
  const pair = usePair({
    ddl: `create table call_record (id bigint primary key, at timestamptz not null, caller text, callee text, note text);
      create table recording (id int primary key, body text);`,
  })

  /** How far the resident memory of this process, which is the agent of both servers, rises above where it begins. */
  async function growthDuring(work: () => Promise<unknown>): Promise<number> {
    const before = process.memoryUsage.rss()
    let most = before
    const sample = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
    try {
      await work()
    } finally {
      clearInterval(sample)
    }
    return Math.max(most, process.memoryUsage.rss()) - before
  }

  async function countsAgree(table: string): Promise<void> {
    const sql = `select count(*)::text || ' ' || coalesce(sum(hashtext(r::text)::bigint), 0)::text as sum from ${table} r`
    const [theirs, ours] = await Promise.all(
      [pair().active, pair().standby].map((server) => server.sql.query<{ sum: string }>(sql)),
    )
    assert.equal(ours?.rows[0]?.sum, theirs?.rows[0]?.sum)
  }

  it(`D18, E11: stays below 200 MB for a batch of ${ROWS} rows`, async () => {
    const { active, standby, run } = pair()
    const growth = await growthDuring(async () => {
      await run(`insert into call_record select n, now(), 'caller ' || n, 'callee ' || n, repeat('x', 60)
        from generate_series(1, ${ROWS}) n`)
      await inSync(active, standby, 240_000)
    })
    console.log(`      rose by ${Math.round(growth / MIB)} MiB for ${ROWS} rows`)
    assert.ok(growth < GROWTH_LIMIT, `${Math.round(growth / MIB)} MiB`)
    await countsAgree('call_record')
  })

  it('C17: stays below 200 MB for one row of 100 MB, inserted and copied afresh', async () => {
    const { active, standby, run } = pair()
    const growth = await growthDuring(async () => {
      await run(`insert into recording values (1, repeat('0123456789', 10 * 1024 * 1024))`)
      await inSync(active, standby, 120_000)
    })
    console.log(`      rose by ${Math.round(growth / MIB)} MiB for a row of 100 MiB`)
    assert.ok(growth < GROWTH_LIMIT, `${Math.round(growth / MIB)} MiB`)
    await countsAgree('recording')
  })
})
