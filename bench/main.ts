// Hot standby beside native logical replication, between the same two servers and interleaved; see
// docs/internals/performance.md. --quick runs less of everything; --only names parts; --json prints the figures only;
// --chart FILE.svg draws them.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { INSERT_30000, measureBulk, UPDATE_200000 } from './bulk.ts'
import { chart } from './chart.ts'
import { measureCatchUp, measureCopy } from './catch-up.ts'
import { measureIdle } from './idle.ts'
import { measureLatency } from './latency.ts'
import { printReport } from './report.ts'
import {
  openNative,
  openOurs,
  openPlain,
  type OurSide,
  type Servers,
  type Side,
  startServers,
} from './sides.ts'
import { callRecords, CONFIGURATION, manyTables, PBX_TABLES } from './tables.ts'
import { measureThroughput } from './throughput.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    only: { type: 'string' },
    chart: { type: 'string' },
  },
})
const quick = values.quick === true
const runs = quick ? 2 : 5
const parts = values.only?.split(',') ?? [
  'latency',
  'throughput',
  'bulk',
  'catchUp',
  'copy',
  'idle',
  'tables',
]
const measured: Record<string, unknown> = {}

const servers = await startServers()
try {
  const pair = await openPair(servers, 'twelve', PBX_TABLES, CONFIGURATION)
  if (parts.includes('latency'))
    measured['latency'] = await measureLatency(pair, runs, quick ? 100 : 200)
  if (parts.includes('idle'))
    measured['idle'] = await measureIdle(servers, pair.ours, quick ? 5 : 15)
  if (parts.includes('throughput')) await throughput(pair)
  if (parts.includes('bulk')) await bulk(pair)
  if (parts.includes('catchUp')) {
    measured['catchUpMs'] = await measureCatchUp(pair, quick ? 5000 : 20_000, quick ? 1 : 3)
  }
  if (parts.includes('copy')) await copy(pair)
  await closePair(pair)
  if (parts.includes('tables')) await tables()
} finally {
  await Promise.all([servers.active.destroy(), servers.standby.destroy()])
}
const report = { quick, runs, ...measured }
printReport(report, values.json === true)
if (values.chart !== undefined) await writeFile(values.chart, chart(report))

interface Pair {
  readonly ours: OurSide
  readonly native: Side
}

async function openPair(
  on: Servers,
  name: string,
  ddl: string,
  rows: string,
): Promise<Pair & Record<string, Side>> {
  const ours = await openOurs(on, `ours_${name}`, ddl)
  const native = await openNative(on, `native_${name}`, ddl)
  for (const side of [ours, native]) {
    await side.from.query(rows)
    await side.start()
    await side.caughtUp()
  }
  return { ours, native }
}

async function closePair({ ours, native }: Pair): Promise<void> {
  await ours.close()
  await native.close()
}

/** Capture alone: a database whose standby is away. */
async function throughput({ ours, native }: Pair): Promise<void> {
  const plain = await openPlain(servers, 'plain', PBX_TABLES)
  await plain.query(CONFIGURATION)
  const alone = await openOurs(servers, 'alone', PBX_TABLES)
  await alone.from.query(CONFIGURATION)
  await alone.start()
  await alone.caughtUp()
  await alone.stop()
  const modes = {
    off: { url: servers.active.url('plain') },
    capture: { url: alone.fromUrl },
    ours: { url: ours.fromUrl, end: () => ours.caughtUp() },
    native: { url: native.fromUrl, end: () => native.caughtUp() },
  }
  const found: Record<string, unknown> = {}
  for (const clients of [1, 4, 32]) {
    found[clients] = await measureThroughput(modes, clients, runs, quick ? 1000 : 2000)
  }
  measured['throughput'] = found
  await alone.close()
  await plain.end()
}

async function bulk({ ours, native }: Pair): Promise<void> {
  const plain = await openPlain(servers, 'plain_bulk', PBX_TABLES)
  await plain.query(CONFIGURATION)
  for (const db of [plain, ours.from, native.from]) {
    await db.query(callRecords(200_000))
    await db.query('analyze call_record')
  }
  await ours.caughtUp()
  await native.caughtUp()
  const modes = {
    off: { from: plain, side: null },
    ours: { from: ours.from, side: ours },
    native: { from: native.from, side: native },
  }
  measured['insert30000'] = await measureBulk(modes, INSERT_30000, runs)
  measured['update200000'] = await measureBulk(modes, UPDATE_200000, quick ? 1 : 3)
  await plain.end()
}

async function copy(pair: Pair & Record<string, Side>): Promise<void> {
  for (const { from } of [pair.ours, pair.native]) {
    await from.query('truncate call_record, queue_log')
    await from.query(callRecords(quick ? 200_000 : 1_000_000))
    await from.query('analyze')
  }
  await pair.ours.caughtUp()
  await pair.native.caughtUp()
  measured['copyMs'] = await measureCopy(pair, quick ? 1 : 3)
}

async function tables(): Promise<void> {
  const many = await openPair(servers, 'many', manyTables(500), 'select')
  measured['latency500Tables'] = await measureLatency(many, runs, quick ? 100 : 200)
  await closePair(many)
}
