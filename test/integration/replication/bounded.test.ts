import { NO_EXCLUSIONS } from '../../../plugin/core/settings.ts'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { PostgresCluster } from '../../../examples/demo/postgres-cluster.ts'
import type { ReplicationSource } from '../../../plugin/ports.ts'
import type { OnStep } from '../../../plugin/replication/batch-step.ts'
import {
  eventually,
  inSync,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../support/database.ts'

const TABLES = `create table t (id int primary key, v text); create table bag (v text);
  insert into t select i, 'x' from generate_series(1, 200) i`

/** What docs/internals/replication.md promises: three seconds of patience, a round of the keeper, and some slack. */
const BOUND_MS = 6000

describe('bounded: locks, lost sessions and a full notification queue', function () {
  this.timeout(90_000)
  const clusters = useClusters({
    // The smallest queue there is, from version 17 on.
    settings:
      Number(process.env['HOT_STANDBY_POSTGRES'] ?? 17) >= 17
        ? { max_notify_queue_pages: '64' }
        : {},
  })
  let active: TestServer
  let standby: TestServer
  let step: OnStep | null = null

  before(async () => {
    active = await startServer(clusters().first, 'active', { ddl: TABLES })
    standby = await startServer(clusters().second, 'standby', {
      ddl: TABLES,
      onStep: async (name, place) => step?.(name, place),
    })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
  })

  afterEach(() => {
    step = null
  })

  after(async () => {
    step = null
    await Promise.all([active?.close(), standby?.close()])
  })

  async function same(): Promise<void> {
    await inSync(active, standby, 30_000)
    for (const table of ['t', 'bag'])
      assert.deepEqual(await rowsOf(standby, table), await rowsOf(active, table), table)
  }

  /** Runs `work` while a batch stands still at this step, as when the standby or the line has stalled. */
  async function whileStalledAt(stalled: string, work: () => Promise<void>): Promise<void> {
    let goOn: () => void = () => undefined
    const standing = new Promise<void>((reached) => {
      const over = new Promise<void>((resolve) => (goOn = resolve))
      step = async (name) => {
        if (name !== stalled) return
        step = null
        reached()
        await over
      }
    })
    await active.sql.query(`update t set v = v || '.' where id = 7`)
    if (stalled === 'copied') await standby.engine.resynchronise()
    await standing
    try {
      await work()
    } finally {
      goOn()
    }
  }

  for (const [what, stalled] of [
    ['a batch', 'keysRead'],
    ['an initial copy', 'copied'],
  ] as const) {
    it(`A15: ${what} that stands still holds up a change of the schema, and who queues behind it, for a bound only`, async () => {
      await whileStalledAt(stalled, async () => {
        const begun = performance.now()
        const migration = withClient(active.url(), (client) =>
          client.query(
            'alter table t add column if not exists extra int; alter table t drop column extra',
          ),
        )
        await eventually(async () => {
          const waiting = await active.sql.query('select from pg_locks where not granted limit 1')
          return waiting.rowCount === 1
        }, 'a migration that waits')
        // The agent looks at sizes of tables now and then, which waits as well.
        const facts = active.engine.databaseFacts(NO_EXCLUSIONS)
        // A writer that comes after the migration waits behind it.
        await withClient(active.url(), (client) =>
          client.query(`update t set v = 'queued' where id = 9`),
        )
        await migration
        await facts
        const waitedMs = performance.now() - begun
        assert.ok(waitedMs < BOUND_MS, `waited ${Math.round(waitedMs)} ms`)
      })
      await same()
    })
  }

  it('E6: each of our sessions may be ended at any time; replication goes on', async () => {
    for (const server of [active, standby]) {
      const { rows } = await server.sql.query<{ name: string }>(
        `select distinct application_name as name from pg_stat_activity
         where application_name like 'hot-standby %' and datname = current_database() order by 1`,
      )
      assert.ok(rows.length >= 3, `${rows.length} sessions on the ${server.id}`)
      for (const { name } of rows) {
        await server.sql.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
          [name],
        )
        await active.sql.query(`insert into bag values ('${server.id} without ${name}')`)
        await eventually(
          () =>
            active.engine.currentPosition().then(
              () => true,
              () => false,
            ),
          'the database of the active',
        )
        await same()
      }
    }
  })

  it('an exhausted connection limit stops none of the writers, is told, and is over when there is room again', async () => {
    const limit = (count: number): Promise<unknown> =>
      active.sql.query(`alter database ${active.database} connection limit ${count}`)
    await limit(0)
    await active.sql.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name like 'hot-standby %' and datname = current_database()`)
    await eventually(
      () => /too many connections/.test(standby.engine.status().reason),
      'the reason in the status',
    )
    for (let n = 0; n < 20; n++) await active.sql.query(`insert into bag values ('no room ${n}')`)
    await limit(-1)
    await eventually(
      () =>
        active.engine.currentPosition().then(
          () => true,
          () => false,
        ),
      'a connection of the active',
    )
    await same()
  })

  it('D8: a half-open connection is given up, and replication goes on over a new one', async () => {
    const line = await startLine(active.cluster)
    const source = active.source()
    await standby.engine.follow({ ...source, connect: () => line.connect(source) }, 'a line')
    await same()
    line.goSilent()
    // Nobody is told that the line is dead, and new connections work.
    await active.sql.query(`insert into bag values ('while the line is dead')`)
    await same()
    await standby.engine.follow(source, 'without the line')
    await same()
    await line.close()
  })

  it('D3: a notification queue that a stuck listener fills never fails a commit of the platform', async function () {
    if (Number(process.env['HOT_STANDBY_POSTGRES'] ?? 17) < 17) this.skip()
    await withClient(active.url(), async (stuck) => {
      await stuck.query('listen somebody_else')
      await stuck.query('begin; select 1')
      await fillQueue(active)
      // The reader sleeps in between, so that each of these would notify.
      for (let number = 0; number < 5; number++) {
        await active.sql.query(`insert into bag values ('queue full ${number}')`)
        await same()
      }
    })
    await active.sql.query(`insert into bag values ('queue drained')`)
    await same()
  })
})

interface Line {
  connect(source: ReplicationSource): ReturnType<ReplicationSource['connect']>
  /** What is open now carries nothing any more, and nobody is told. */
  goSilent(): void
  close(): Promise<void>
}

async function startLine(cluster: PostgresCluster): Promise<Line> {
  const open = new Set<Socket>()
  const server = createServer((incoming) => {
    const outgoing = connect(cluster.port, cluster.host)
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket)
      socket.on('error', () => other.destroy())
      socket.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    connect: async (source) => {
      const { stream: direct, ...access } = await source.connect()
      direct.destroy()
      const stream = connect(port, '127.0.0.1')
      await once(stream, 'connect')
      return { ...access, stream }
    },
    goSilent: () => {
      for (const socket of open) socket.unpipe().pause()
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Until PostgreSQL itself refuses to notify. */
async function fillQueue(server: TestServer): Promise<void> {
  const payload = 'x'.repeat(7000)
  for (let sent = 0; sent < 1000; sent++) {
    try {
      await server.sql.query(`notify somebody_else, '${sent}${payload}'`)
    } catch (error) {
      assert.match(String(error), /too many notifications/)
      return
    }
  }
  assert.fail('the queue never filled')
}
