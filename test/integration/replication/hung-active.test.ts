import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import type { ReplicationSource } from '../../../plugin/ports.ts'
import {
  eventually,
  inSync,
  startServer,
  type TestServer,
  useClusters,
} from '../../support/database.ts'

/** Far less than the time that a connection without an answer would be waited for. */
const BOUND_MS = 3000

describe('an active server that hangs', function () {
  this.timeout(60_000)
  const clusters = useClusters()
  let active: TestServer
  let standby: TestServer

  afterEach(async () => {
    await Promise.all([active?.close(), standby?.close()])
  })

  it('does not keep the standby from becoming active: what it does not answer is not waited for', async () => {
    const ddl = 'create table t (id int primary key)'
    active = await startServer(clusters().first, 'active', { ddl })
    standby = await startServer(clusters().second, 'standby', { ddl })
    await active.engine.promote(1)
    const { source, hang, waiting } = hangingSource(active)
    await standby.engine.follow(source, 'test')
    await inSync(active, standby)

    hang()
    await active.sql.query('insert into t values (1)')
    await eventually(waiting, 'an answer that does not come')
    const begun = performance.now()
    await standby.engine.promote(2)
    assert.ok(performance.now() - begun < BOUND_MS)
    await standby.sql.query('insert into t values (2)')
  })
})

/** From `hang` on nothing arrives any more, as from a host whose processes stand still. */
function hangingSource(active: TestServer): {
  readonly source: ReplicationSource
  readonly hang: () => void
  /** Something was asked since then. */
  readonly waiting: () => boolean
} {
  const direct = active.source(() => 1)
  const streams: Duplex[] = []
  const sentAtHang = new Map<Duplex, number>()
  const sent = (stream: Duplex): number =>
    (stream as unknown as { bytesWritten: number }).bytesWritten
  return {
    source: {
      ...direct,
      async connect() {
        const target = await direct.connect()
        streams.push(target.stream)
        return target
      },
    },
    hang() {
      for (const stream of streams) {
        stream.pause()
        sentAtHang.set(stream, sent(stream))
      }
    },
    waiting: () => [...sentAtHang].some(([stream, before]) => sent(stream) > before),
  }
}
