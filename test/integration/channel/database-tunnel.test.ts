import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import {
  type PostgresCluster,
  startPostgresCluster,
} from '../../../examples/demo/postgres-cluster.ts'
import { type ClosablePeerClient, createPeerClient } from '../../../plugin/channel/peer-client.ts'
import {
  type Channel,
  eventually,
  handlerWith,
  recordingLogger,
  startChannel,
} from '../../support/channel.ts'
import { waitUntil } from '../../support/wait-until.ts'

describe('PostgreSQL through the channel', function () {
  this.timeout(60_000)
  let cluster: PostgresCluster
  let channel: Channel
  let peer: ClosablePeerClient
  let lastDatabase: Socket
  const logger = recordingLogger()

  before(async () => {
    cluster = await startPostgresCluster({ durable: false })
    channel = await startChannel({
      logger,
      limits: { tunnels: 6 },
      handler: handlerWith({
        async connectDatabase() {
          const socket = connect(cluster.port, cluster.host)
          await once(socket, 'connect')
          lastDatabase = socket
          return socket
        },
      }),
    })
    peer = createPeerClient({ identity: channel.theirs, peer: () => channel.record })
  })

  after(async () => {
    peer?.disconnect()
    await channel?.server.close()
    await cluster?.destroy()
  })

  const connected = async (): Promise<pg.Client> => {
    const stream = await peer.connectDatabase()
    const client = new pg.Client({
      user: 'postgres',
      database: 'postgres',
      stream: () => openStream(stream),
    })
    client.on('error', () => undefined) // pg reports a lost connection more than once
    await client.connect()
    return client
  }

  it('runs queries', async () => {
    const client = await connected()
    const { rows } = await client.query<{ sum: number }>('select $1::int + 1 as sum', [41])
    assert.deepEqual(rows, [{ sum: 42 }])
    await client.end()
    await eventually(
      'the tunnel closes with the client',
      () => channel.server.stats().tunnels === 0,
    )
  })

  it('copies 32 MB in and out unchanged', async () => {
    const client = await connected()
    await client.query('create temporary table t (n int, filler text)')
    const filler = 'ä'.repeat(500)
    const lines = function* () {
      for (let n = 0; n < 32_000; n += 1) yield `${n}\t${filler}\n`
    }
    await pipeline(Readable.from(lines()), client.query(copyFrom('copy t from stdin')))
    const { rows } = await client.query('select count(*)::int as count, sum(n)::int as sum from t')
    assert.deepEqual(rows, [{ count: 32_000, sum: 511_984_000 }])
    let bytes = 0
    for await (const chunk of client.query(copyTo('copy t to stdout')) as AsyncIterable<Buffer>)
      bytes += chunk.length
    const digits = Array.from({ length: 32_000 }, (_, n) => String(n).length)
    assert.equal(
      bytes,
      digits.reduce((sum, length) => sum + length + 1 + 1000 + 1, 0),
    )
    await client.end()
  })

  it('delivers notifications', async () => {
    const [listener, notifier] = [await connected(), await connected()]
    await listener.query('listen wake_up')
    const heard = once(listener, 'notification')
    await notifier.query("notify wake_up, 'now'")
    const [message] = (await heard) as [pg.Notification]
    assert.equal(message.payload, 'now')
    await Promise.all([listener.end(), notifier.end()])
  })

  it("passes on PostgreSQL's own reason for ending a session", async () => {
    const [victim, killer] = [await connected(), await connected()]
    const failed = once(victim, 'error') as Promise<[Error & { code: string }]>
    const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid')
    await killer.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    const [error] = await failed
    assert.equal(error.code, '57P01')
    await killer.end()
  })

  it('ends the session in the database when the peer goes away', async () => {
    const [gone, watcher] = [await peer.connectDatabase(), await connected()]
    const client = new pg.Client({ user: 'postgres', stream: () => openStream(gone) })
    client.on('error', () => undefined)
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    gone.destroy()
    let left = 1
    while (left !== 0) {
      const answer = await watcher.query('select 1 from pg_stat_activity where pid = $1', [
        rows[0]?.pid,
      ])
      left = answer.rowCount ?? 0
    }
    await watcher.end()
  })

  /** PostgreSQL itself waits to send, and look after look not one more byte has come. */
  const untilHeldBack = async (): Promise<void> => {
    const watcher = new pg.Client({ connectionString: cluster.url() })
    await watcher.connect()
    let same = 0
    let before = -1
    await waitUntil('the sender waits', async () => {
      const { rowCount } = await watcher.query(
        "select 1 from pg_stat_activity where wait_event = 'ClientWrite'",
      )
      same = rowCount === 1 && lastDatabase.bytesRead === before ? same + 1 : 0
      before = lastDatabase.bytesRead
      return same >= 5
    })
    await watcher.end()
  }

  it('holds data back while the reader does not read', async () => {
    const client = await connected()
    const stream = client.query(
      copyTo("copy (select repeat('x', 8000) from generate_series(1, 20000)) to stdout"),
    )
    stream.once('data', () => stream.pause())
    await once(stream, 'data')
    await untilHeldBack()
    assert.ok(lastDatabase.bytesRead < 100e6, 'most of the 160 MB are still in PostgreSQL')
    let rest = 0
    stream.on('data', (chunk: Buffer) => (rest += chunk.length))
    stream.resume()
    await once(stream, 'end')
    assert.ok(rest > 150e6)
    await client.end()
  })

  it('refuses more tunnels than its limit', async () => {
    const open = await Promise.all(Array.from({ length: 6 }, connected))
    const seventh = await peer.connectDatabase()
    seventh.on('error', () => undefined)
    seventh.resume()
    await once(seventh, 'close')
    assert.equal(channel.server.stats().refused.tooManyConnections, 1)
    await Promise.all(open.map((client) => client.end()))
  })

  it('closes all tunnels when told that the peer is lost', async () => {
    const client = await connected()
    const ended = once(client, 'error')
    channel.server.dropTunnels()
    await ended
    await eventually('no tunnel is left', () => channel.server.stats().tunnels === 0)
  })

  it('lets pg name the reason when the local database does not answer', async () => {
    await cluster.stop()
    try {
      await assert.rejects(connected(), { code: '08001', message: /database of the active server/ })
      assert.ok(logger.lines.some(({ text }) => text.includes('could not be reached for the peer')))
    } finally {
      await cluster.start()
    }
  })
})

/** `pg` calls `connect` on a stream that it made itself; ours is connected already. */
function openStream(stream: Duplex): Duplex {
  return Object.assign(stream, {
    connect: () => process.nextTick(() => stream.emit('connect')),
    setNoDelay: () => stream,
  })
}
