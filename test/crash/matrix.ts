import assert from 'node:assert/strict'
import type pg from 'pg'
import type { AppliedPosition } from '../../plugin/core/position.ts'
import {
  freePort,
  type PostgresCluster,
  startPostgresCluster,
} from '../../examples/demo/postgres-cluster.ts'
import { createReplicator, eventually, startServer, withClient } from '../support/database.ts'
import { Agent } from './agent.ts'
import type { Cell } from './cells.ts'

/** `log` only grows, so that whatever is on the standby alone shows; `bag` has no key, so that doubled rows show. */
const TABLES = `
  create table log (id bigserial primary key, cell text not null);
  create table t (id int primary key, v int not null);
  create table bag (v text);
  insert into t select i, 0 from generate_series(1, 300) i;`

const COMPARED = ['log', 't', 'bag']

/** Late flushing: that is where a position could run ahead of what is on the disk. */
const SETTINGS = { wal_writer_delay: '10s', wal_writer_flush_after: '100MB' }

/** One pair whose parts are killed again and again; each cell begins and ends with both servers equal. */
export class CrashPair {
  readonly #active: PostgresCluster
  readonly #standby: PostgresCluster
  readonly #databases: { readonly active: string; readonly standby: string }
  readonly #agents: { readonly active: Agent; readonly standby: Agent }

  private constructor(
    clusters: readonly [PostgresCluster, PostgresCluster],
    databases: { readonly active: string; readonly standby: string },
    agents: { readonly active: Agent; readonly standby: Agent },
  ) {
    this.#active = clusters[0]
    this.#standby = clusters[1]
    this.#databases = databases
    this.#agents = agents
  }

  static async start(): Promise<CrashPair> {
    const clusters = await Promise.all([
      startPostgresCluster({ settings: SETTINGS }),
      startPostgresCluster({ settings: SETTINGS }),
    ])
    for (const cluster of clusters) await createReplicator(cluster)
    const [active, standby] = await Promise.all([
      startServer(clusters[0], 'active', { ddl: TABLES }),
      startServer(clusters[1], 'standby', { ddl: TABLES }),
    ])
    await Promise.all([active.close(), standby.close()])
    const common = {
      relayPort: await freePort(),
      databasePort: clusters[0].port,
      database: active.database,
    }
    const agents = {
      active: new Agent({ role: 'active', config: active.config, ...common }),
      standby: new Agent({ role: 'standby', config: standby.config, ...common }),
    }
    await agents.active.start()
    await agents.standby.start()
    const pair = new CrashPair(
      clusters,
      { active: active.database, standby: standby.database },
      agents,
    )
    await pair.#inSync()
    return pair
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#agents.active.kill(), this.#agents.standby.kill()])
    await Promise.all([this.#active.destroy(), this.#standby.destroy()])
  }

  /** Kills the victim at the step, starts it again, and proves that nothing is lost, doubled, or on the standby alone. */
  async run(cell: Cell, name: string): Promise<void> {
    const { active, standby } = this.#agents
    const stopped = cell.step === 'purged' ? active : standby
    const { reached } = await stopped.stopAt(cell.step)
    await this.#write(cell, `${name} before`)
    if (cell.phase === 'copy') await standby.call({ call: 'resynchronise' })
    await reached
    await this.#write(cell, `${name} meanwhile`)
    await this.#spoilTransactionIds()
    await this.#kill(cell.victim)
    const ahead = cell.victim === 'active database' ? await this.#log('standby') : []
    await this.#goOn(stopped)
    await this.#startAgain(cell.victim)
    const kept = new Set(await this.#log('active'))
    assert.deepEqual(
      ahead.filter((row) => !kept.has(row)),
      [],
      'rows on the standby alone',
    )
    if (cell.synchronousCommit === 'on' || cell.victim !== 'active database') {
      for (const when of ['before', 'meanwhile'])
        assert.ok(
          [...kept].some((row) => row.includes(`${name} ${when}`)),
          `committed and lost: ${when}`,
        )
    }
    await this.#write(cell, `${name} after`)
    await this.#inSync()
    for (const table of COMPARED) {
      const [source, target] = await Promise.all([
        this.#rows('active', table),
        this.#rows('standby', table),
      ])
      assert.deepEqual(target, source, table)
    }
  }

  async #write(cell: Cell, text: string): Promise<void> {
    await this.#on('active', async (client) => {
      await client.query(`set synchronous_commit = ${cell.synchronousCommit}`)
      await client.query(`insert into log (cell) values ('${text}'), ('${text}')`)
      await client.query('update t set v = v + 1 where id % 50 = 1')
      if (cell.phase === 'full')
        await client.query(`insert into bag values ('${text}'), ('${text}')`)
      if (cell.phase === 'full')
        await client.query('delete from bag where ctid in (select ctid from bag limit 1)')
    })
  }

  /** Ids that only rolled-back transactions had: a crash forgets them, and they are given again. */
  async #spoilTransactionIds(): Promise<void> {
    await this.#on('active', async (client) => {
      for (let number = 0; number < 5; number++)
        await client.query('begin; update t set v = v + 1000 where id = 2; rollback')
    })
  }

  async #kill(victim: Cell['victim']): Promise<void> {
    const { active, standby } = this.#agents
    if (victim === 'active database') await this.#active.kill()
    else if (victim === 'standby database') await this.#standby.kill()
    else if (victim === 'active agent') await active.kill()
    else if (victim === 'standby agent') await standby.kill()
    else await active.call({ call: 'cut' })
  }

  async #goOn(stopped: Agent): Promise<void> {
    if (stopped.isAlive()) await stopped.call({ call: 'goOn' })
  }

  async #startAgain(victim: Cell['victim']): Promise<void> {
    const { active, standby } = this.#agents
    if (victim === 'active database') await this.#active.start()
    else if (victim === 'standby database') await this.#standby.start()
    else if (victim === 'active agent') await active.start()
    else if (victim === 'standby agent') await standby.start()
  }

  async #inSync(): Promise<void> {
    const { active, standby } = this.#agents
    let position: unknown = null
    await eventually(async () => {
      position = await active.call({ call: 'currentPosition' }).catch(() => null)
      return position !== null
    }, 'a position of the active')
    await standby.call({ call: 'applyUpTo', position: position as AppliedPosition })
  }

  async #log(side: 'active' | 'standby'): Promise<string[]> {
    return this.#rows(side, 'log')
  }

  async #rows(side: 'active' | 'standby', table: string): Promise<string[]> {
    return this.#on(side, async (client) => {
      const { rows } = await client.query<{ row: string }>(
        `select t::text as row from ${table} t order by 1`,
      )
      return rows.map((row) => row.row)
    })
  }

  async #on<Result>(
    side: 'active' | 'standby',
    work: (client: pg.Client) => Promise<Result>,
  ): Promise<Result> {
    const cluster = side === 'active' ? this.#active : this.#standby
    return withClient(cluster.url(this.#databases[side]), work)
  }
}
