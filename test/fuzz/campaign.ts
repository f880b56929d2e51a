import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresCluster } from '../../examples/demo/postgres-cluster.ts'
import type { PostgresMajor } from '../../examples/demo/postgres-binaries.ts'
import { quoteName } from '../../plugin/db/identifiers.ts'
import { seeded } from '../simulation/random.ts'
import {
  eventually,
  inSync,
  startServer,
  type TestServer,
  withClient,
} from '../support/database.ts'
import { Observer, type ObserverCounts } from './observer.ts'
import { Pace } from './pace.ts'
import { NOTICED_WITHIN_MS, PartitionMoves } from './partition-moves.ts'
import { comparedTables, FILTERS, fuzzTables } from './tables.ts'
import { write, type WriterCounts } from './writers.ts'

export interface CampaignInput {
  readonly active: { readonly cluster: PostgresCluster; readonly major: PostgresMajor }
  readonly standby: { readonly cluster: PostgresCluster; readonly major: PostgresMajor }
  readonly seed: number
  readonly batches: number
  /** The active's max_prepared_transactions is not 0. */
  readonly prepared: boolean
}

export interface CampaignReport extends ObserverCounts {
  readonly writers: WriterCounts
  readonly partitionMoves: number
  readonly seconds: number
}

const STALLED_MS = 90_000

/** Writes to an active until so many batches were compared in their own snapshots; throws at the first inexact one. */
export async function runCampaign(input: CampaignInput): Promise<CampaignReport> {
  const oldest = Math.min(input.active.major, input.standby.major) as PostgresMajor
  const stop = new AbortController()
  const failures: unknown[] = []
  const failed = (error: unknown): void => {
    failures.push(error)
    stop.abort()
  }
  const servers: TestServer[] = []
  let observer: Observer | null = null
  const begun = performance.now()
  try {
    const ddl = fuzzTables(oldest)
    const pace = new Pace(seeded(input.seed))
    const config = { exclude: { tables: [], columns: {}, rows: FILTERS } }
    const active = await startServer(input.active.cluster, 'active', { ddl, config })
    servers.push(active)
    const standby = await startServer(input.standby.cluster, 'standby', {
      ddl: `${ddl}; insert into filtered values (-1, 'own', 0)`,
      config,
      onStep: async (step, place) => {
        await observer?.onStep(step, place)
        if (step === 'snapshotTaken') pace.nextCut()
      },
    })
    servers.push(standby)
    const moves = new PartitionMoves(active.url(), input.seed, stop.signal)
    const tables = comparedTables(oldest)
    const excused = (table: string): boolean => moves.excuses(table)
    observer = await Observer.open({
      sourceUrl: active.url(),
      targetUrl: standby.url(),
      tables,
      excused,
      equal: (table, lockedAt) => moves.equal(table, lockedAt),
      failed,
    })
    const watched = observer
    standby.engine.on('history', ({ kind, reason, data }) => {
      if (kind === 'tableQuarantined' && !reason.startsWith('public.part_x:'))
        failed(new Error(`${kind}: ${reason}`))
      if (kind !== 'captureRepaired') return
      for (const table of data['tables'] as readonly string[]) moves.copied(table)
    })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'fuzz')
    const writers: WriterCounts = { committed: 0, rolledBack: 0, prepared: 0, failed: 0 }
    const { seed, prepared } = input
    const { major } = input.active
    const work = [
      write({ url: active.url(), seed, major, oldest, prepared, pace, stop: stop.signal }, writers),
      moves.run(),
    ].map((job) => job.catch(failed))
    await untilCompared(watched, input.batches, stop.signal, failed)
    stop.abort()
    await Promise.all(work)
    if (failures.length === 0) await compareAtTheEnd(active, standby, watched, moves)
    if (failures.length > 0) throw failures[0]
    return {
      ...watched.counts,
      writers,
      partitionMoves: moves.count,
      seconds: (performance.now() - begun) / 1000,
    }
  } finally {
    stop.abort()
    for (const server of servers) await server.close()
    await observer?.close()
    for (const server of servers) await dropDatabase(server)
  }
}

async function untilCompared(
  observer: Observer,
  batches: number,
  stop: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  let last = -1
  let since = performance.now()
  while (observer.counts.batches < batches && !stop.aborted) {
    if (observer.counts.batches !== last) {
      last = observer.counts.batches
      since = performance.now()
    } else if (performance.now() - since > STALLED_MS) {
      failed(new Error(`no batch in ${STALLED_MS / 1000} seconds, after ${last}`))
    }
    await sleep(20)
  }
}

/** Nobody writes any more: everything is equal, by our own comparison and by the engine's. */
async function compareAtTheEnd(
  active: TestServer,
  standby: TestServer,
  observer: Observer,
  moves: PartitionMoves,
): Promise<void> {
  await inSync(active, standby, 60_000)
  // The last move may have come just before the end: it is noticed all the same.
  if (moves.excuses('part'))
    await eventually(() => observer.allEqual(), 'the moved partition', NOTICED_WITHIN_MS)
  await eventually(() => observer.sequencesCaughtUp(), 'all sequences')
  await observer.compareAll()
  const { rowCount } = await standby.sql.query(`select from filtered where owner = 'own'`)
  if (rowCount !== 1) throw new Error(`the standby has ${rowCount} rows of its own, not 1`)
  const { differences } = await standby.engine.check({ repair: false })
  if (differences.length > 0) throw new Error(`check found ${JSON.stringify(differences)}`)
  const copies = standby.history.filter((entry) => entry.kind === 'resynchronisationStarted')
  if (copies.length !== 1)
    throw new Error(
      `copied ${copies.length} times: ${copies.map((copy) => copy.reason).join('; ')}`,
    )
}

async function dropDatabase(server: TestServer): Promise<void> {
  await withClient(server.cluster.url(), (client) =>
    client.query(`drop database if exists ${quoteName(server.database)} with (force)`),
  ).catch(() => undefined)
}
