import assert from 'node:assert/strict'
import { eventually, type TestServer } from '../../support/database.ts'
import { usePair } from '../../support/pair.ts'

/** The time over which an idle pair is measured. */
const WATCHED_MS = 5000
/** PostgreSQL itself writes a record now and then. */
const OWN_RECORDS_BYTES = 2000
/** Keeper, mender, looks for bypassed capture, the watch of the database: a few statements a second each, at the most. */
const TRANSACTIONS_A_SECOND = 15

interface Usage {
  readonly transactions: number
  /** Position in the write-ahead log, to which everything that is changed is written. */
  readonly log: number
  readonly tableBytes: number
}

describe('a pair that has nothing to do', function () {
  this.timeout(60_000)
  const pair = usePair({
    // What is written is ours: no statistics of other databases, no full page after a checkpoint.
    clusters: { settings: { autovacuum: 'off', checkpoint_timeout: '1h' } },
    ddl: Array.from(
      { length: 12 },
      (_, index) => `create table t${index} (id int primary key, v text);`,
    ).join(''),
  })

  const usageOf = async ({ sql }: TestServer): Promise<Usage> => {
    const { rows } = await sql.query<Record<keyof Usage, string>>(
      `select d.xact_commit::text as transactions, (pg_current_wal_insert_lsn() - '0/0')::text as log,
         (select sum(pg_total_relation_size(c.oid))::text
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')) as "tableBytes"
       from pg_stat_database d where d.datname = current_database()`,
    )
    const [found] = rows
    return {
      transactions: Number(found?.transactions),
      log: Number(found?.log),
      tableBytes: Number(found?.tableBytes),
    }
  }

  it('changes nothing, grows no table and asks little, on either server', async () => {
    const { active, standby, run, same } = pair()
    await run(`insert into t0 values (1, 'a')`)
    await same('t0')
    const servers = [active, standby]
    let before = await Promise.all(servers.map(usageOf))
    let quietFrom = performance.now()
    await eventually(async () => {
      const now = await Promise.all(servers.map(usageOf))
      if (now.some(({ log }, index) => log !== before[index]?.log)) quietFrom = performance.now()
      before = now
      return performance.now() - quietFrom > 1500
    }, 'what was under way is over')
    const from = performance.now()
    await eventually(() => performance.now() - from > WATCHED_MS, 'the time that is watched')
    for (const [index, { transactions, log, tableBytes }] of (
      await Promise.all(servers.map(usageOf))
    ).entries()) {
      const name = servers[index]?.id
      const was = before[index]
      assert.ok(was)
      assert.ok(log - was.log < OWN_RECORDS_BYTES, `${name} wrote ${log - was.log} bytes of log`)
      assert.equal(tableBytes - was.tableBytes, 0, `${name}: growth of tables`)
      const perSecond = (transactions - was.transactions) / (WATCHED_MS / 1000)
      assert.ok(perSecond < TRANSACTIONS_A_SECOND, `${name}: ${perSecond} transactions a second`)
    }
  })
})
