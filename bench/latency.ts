// From the commit of one row on the active to its being visible on the standby: ours beside native logical replication,
// between the same two servers, one after the other in each round. Prints a table, with --json the figures.
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startPostgresCluster } from '../examples/demo/postgres-cluster.ts'
import { REPLICATOR, startServer } from '../test/support/database.ts'
import { runSql } from '../test/support/run-sql.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '20' },
    json: { type: 'boolean' },
  },
})
const ROUNDS = Number(values.rounds)
const ROWS_A_ROUND = Number(values.rows)
const GAP_MS = 5
const TABLE = 'create table extension (number bigint primary key, name text)'

let number = 0
const settings = { wal_level: 'logical' }
const [active, standby] = await Promise.all([
  startPostgresCluster({ settings }),
  startPostgresCluster({ settings }),
])
try {
  for (const cluster of [active, standby]) {
    await runSql(cluster.url(), `create role ${REPLICATOR} login`)
    await runSql(cluster.url(), `grant set on parameter session_replication_role to ${REPLICATOR}`)
  }
  const ours = await followOurs()
  const native = await followNatively()
  const figures = { ours: [] as number[], native: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    figures.ours.push(...(await measure(ours.from, ours.to)))
    figures.native.push(...(await measure(native.from, native.to)))
  }
  print(figures)
  await Promise.all([ours.close(), native.close()])
} finally {
  await Promise.all([active.destroy(), standby.destroy()])
}

async function followOurs() {
  const first = await startServer(active, 'first', { ddl: TABLE })
  const second = await startServer(standby, 'second', { ddl: TABLE })
  await first.engine.promote(1)
  await second.engine.follow(
    first.source(() => 1),
    'bench',
  )
  await second.engine.applyUpTo(await first.engine.currentPosition(), 30_000)
  const close = async (): Promise<void> => {
    await second.close()
    await first.close()
  }
  return { from: first.sql, to: second.sql, close }
}

async function followNatively() {
  for (const cluster of [active, standby]) {
    await runSql(cluster.url(), 'create database native')
    await runSql(cluster.url('native'), TABLE)
  }
  await runSql(active.url('native'), 'create publication p for all tables')
  const connection = `host=${active.host} port=${active.port} user=postgres dbname=native`
  await runSql(
    standby.url('native'),
    `create subscription s connection '${connection}' publication p`,
  )
  const [from, to] = (await Promise.all(
    [active, standby].map(async (cluster) => {
      const client = new pg.Client(cluster.url('native'))
      client.on('error', () => undefined)
      await client.connect()
      return client
    }),
  )) as [pg.Client, pg.Client]
  const close = async (): Promise<void> => {
    await Promise.all([from.end(), to.end()])
  }
  return { from, to, close }
}

/** Milliseconds from the return of the commit to the first answer of the standby that has the row. */
async function measure(from: pg.Client, to: pg.Client): Promise<number[]> {
  const times: number[] = []
  for (let row = 0; row < ROWS_A_ROUND; row++) {
    number++
    await from.query('insert into extension values ($1, $2)', [number, 'bench'])
    const committedAt = performance.now()
    while ((await to.query('select from extension where number = $1', [number])).rowCount === 0);
    times.push(performance.now() - committedAt)
    await pause(GAP_MS)
  }
  return times
}

function print(figures: Readonly<Record<'ours' | 'native', readonly number[]>>): void {
  const at = (times: readonly number[], share: number): number =>
    [...times].sort((one, other) => one - other)[Math.floor(times.length * share)] ?? Number.NaN
  const result = Object.fromEntries(
    Object.entries(figures).map(([name, times]) => [
      name,
      { p50Ms: at(times, 0.5), p99Ms: at(times, 0.99), rows: times.length },
    ]),
  ) as Record<'ours' | 'native', { p50Ms: number; p99Ms: number; rows: number }>
  const ratio = {
    p50: result.ours.p50Ms / result.native.p50Ms,
    p99: result.ours.p99Ms / result.native.p99Ms,
  }
  if (values.json === true) {
    console.log(JSON.stringify({ ...result, ratio }))
    return
  }
  console.table({ ...result, 'ours / native': { p50Ms: ratio.p50, p99Ms: ratio.p99 } })
}
