import type { PostgresMajor } from '../../examples/demo/postgres-binaries.ts'
import { type PostgresCluster, startPostgresCluster } from '../../examples/demo/postgres-cluster.ts'
import { createReplicator } from '../support/database.ts'

/** Clusters by version and role, started when they are first needed and used for every pairing. */
export class ClusterPool {
  readonly #clusters = new Map<string, Promise<PostgresCluster>>()

  get(
    major: PostgresMajor,
    role: 'active' | 'standby',
    prepared: boolean,
  ): Promise<PostgresCluster> {
    const name = `${role} ${major} ${prepared}`
    const known = this.#clusters.get(name)
    if (known !== undefined) return known
    const starting = start(major, prepared)
    this.#clusters.set(name, starting)
    return starting
  }

  async destroy(): Promise<void> {
    for (const cluster of this.#clusters.values())
      await (await cluster.catch(() => null))?.destroy()
    this.#clusters.clear()
  }
}

async function start(major: PostgresMajor, prepared: boolean): Promise<PostgresCluster> {
  const cluster = await startPostgresCluster({
    major,
    durable: false,
    settings: { max_prepared_transactions: prepared ? '20' : '0', autovacuum_naptime: '5s' },
  })
  await createReplicator(cluster)
  return cluster
}
