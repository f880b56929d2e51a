import assert from 'node:assert/strict'
import type { PostgresClusterOptions } from '../../examples/demo/postgres-cluster.ts'
import type { EventKind } from '../../plugin/core/event-kinds.ts'
import {
  type ClusterPair,
  eventually,
  inSync,
  rowsOf,
  type ServerOptions,
  startClusters,
  startServer,
  type TestServer,
} from './database.ts'

/** Two clusters that every file of a run shares, started by the first that asks and destroyed after the last test. */
let shared: Promise<ClusterPair> | null = null

after(async function () {
  this.timeout(60_000)
  const pair = await shared?.catch(() => null)
  await Promise.all([pair?.first.destroy(), pair?.second.destroy()])
})

export function sharedClusters(): Promise<ClusterPair> {
  shared ??= startClusters({})
  return shared
}

/** An active and a standby with these tables for the tests of one file. */
export interface Pair {
  readonly active: TestServer
  readonly standby: TestServer
  readonly clusters: ClusterPair
  /** Statements on the active. */
  readonly run: (sql: string) => Promise<unknown>
  /** The standby has everything, and these tables are equal as text. */
  readonly same: (...tables: string[]) => Promise<void>
  /** Events of the standby of one kind. */
  readonly told: (kind: EventKind) => string[]
  /** Waits for an event of the standby whose reason fits. */
  readonly toldOf: (kind: EventKind, reason: RegExp) => Promise<void>
  /** Waits until the table has this state. */
  readonly becomes: (
    table: string,
    state: 'replicated' | 'quarantined',
    reason?: RegExp,
  ) => Promise<void>
}

export interface PairOptions extends ServerOptions {
  /** Its own clusters with these settings; else the shared ones. */
  readonly clusters?: PostgresClusterOptions
  /** What only the standby has. */
  readonly standby?: ServerOptions
}

/** Starts a pair before the tests of the present `describe`, in sync, and closes it after them. */
export function usePair(options: PairOptions): () => Pair {
  let pair: Pair | null = null
  let own: ClusterPair | null = null
  before(async function () {
    this.timeout(120_000)
    const clusters = await (options.clusters === undefined
      ? sharedClusters()
      : startClusters(options.clusters))
    if (options.clusters !== undefined) own = clusters
    const active = await startServer(clusters.first, 'active', options)
    const standby = await startServer(clusters.second, 'standby', {
      ...options,
      ...options.standby,
    })
    pair = makePair(clusters, active, standby)
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby, 60_000)
  })
  after(async function () {
    this.timeout(60_000)
    await Promise.all([pair?.active.close(), pair?.standby.close()])
    await Promise.all([own?.first.destroy(), own?.second.destroy()])
  })
  return () => pair!
}

function makePair(clusters: ClusterPair, active: TestServer, standby: TestServer): Pair {
  const told = (kind: EventKind): string[] =>
    standby.history.filter((entry) => entry.kind === kind).map((entry) => entry.reason)
  return {
    active,
    standby,
    clusters,
    told,
    run: (sql) => active.sql.query(sql),
    async same(...tables) {
      await inSync(active, standby)
      for (const table of tables)
        assert.deepEqual(await rowsOf(standby, table), await rowsOf(active, table), table)
    },
    toldOf: (kind, reason) =>
      eventually(() => told(kind).some((text) => reason.test(text)), `${kind} ${String(reason)}`),
    becomes: (table, state, reason = /(?:)/) =>
      eventually(
        () =>
          standby.engine
            .status()
            .tables.some(
              (one) => one.name === table && one.state === state && reason.test(one.reason ?? ''),
            ),
        `${table} ${state} ${String(reason)}`,
        20_000,
      ),
  }
}
