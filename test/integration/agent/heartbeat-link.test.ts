import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import type { PeerReport } from '../../../plugin/core/state.ts'
import { createHeartbeatLink, type UdpHeartbeatLink } from '../../../plugin/agent/heartbeat-link.ts'
import { createSystemClock } from '../../../plugin/agent/system-clock.ts'
import { peerReport } from '../../support/heartbeat.ts'
import { waitUntil } from '../../support/wait-until.ts'

interface Side {
  readonly link: UdpHeartbeatLink
  readonly reports: PeerReport[]
  readonly claims: number[]
}

const HOST = '127.0.0.1'

describe('heartbeat link over UDP', () => {
  let key: Buffer
  let open: { close(): Promise<void> }[]

  beforeEach(() => {
    key = randomBytes(32)
    open = []
  })
  afterEach(async () => {
    for (const each of open) await each.close()
  })

  async function side(port = 0): Promise<Side> {
    const link = createHeartbeatLink({ address: HOST, port, clock: createSystemClock() })
    const started: Side = { link, reports: [], claims: [] }
    await link.start({
      report: (report) => started.reports.push(report),
      claim: (term) => started.claims.push(term),
    })
    open.push(link)
    return started
  }

  /** What passes between the sides goes through a recorder, as through a switch. */
  async function recorder(
    to: () => number,
  ): Promise<{ port: number; seen: Buffer[]; socket: Socket }> {
    const socket = createSocket('udp4')
    const seen: Buffer[] = []
    socket.on('message', (datagram) => {
      seen.push(Buffer.from(datagram))
      socket.send(datagram, to(), HOST)
    })
    await new Promise<void>((resolve) => socket.bind(0, HOST, () => resolve()))
    open.push({ close: () => new Promise((resolve) => socket.close(() => resolve())) })
    return { port: socket.address().port, seen, socket }
  }

  function pair(one: Side, other: Side): void {
    one.link.setPeer({ address: HOST, port: other.link.port(), key })
    other.link.setPeer({ address: HOST, port: one.link.port(), key })
  }

  async function sendUntilHeard(from: Side, to: Side, report: PeerReport): Promise<void> {
    const before = to.reports.length
    await waitUntil('the peer heard', () => {
      from.link.send(report)
      return to.reports.length > before
    })
  }

  it('carries reports both ways, and the answer to a ping carries one too', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    b.link.send(peerReport({ term: 4 }))
    await sendUntilHeard(a, b, peerReport({ identity: 'primary', role: 'active', term: 5 }))
    assert.deepEqual(b.reports[0], peerReport({ identity: 'primary', role: 'active', term: 5 }))
    await waitUntil('an answer', () => a.reports.some(({ term }) => term === 4))
  })

  it('measures the round trip', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    await sendUntilHeard(a, b, peerReport())
    await waitUntil('a round trip', () => {
      a.link.send(peerReport())
      return a.link.stats().roundTripMs !== null
    })
    assert.equal(a.link.stats().lossPercent, 0)
    assert.ok(a.link.stats().recentRoundTripsMs.length > 0)
  })

  it('delivers a claim with its term, twice for a lossy network, and the handler hears both', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    await sendUntilHeard(a, b, peerReport())
    a.link.sendClaim(peerReport({ term: 9 }))
    await waitUntil('two claims', () => b.claims.length === 2)
    assert.deepEqual(b.claims, [9, 9])
  })

  it('does not answer a new pair with what it said in the last one', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    b.link.send(peerReport({ role: 'active', term: 7 }))
    await sendUntilHeard(a, b, peerReport({ term: 1 }))
    await waitUntil('an answer', () => a.reports.some(({ term }) => term === 7))
    key = randomBytes(32)
    pair(a, b)
    a.reports.length = 0
    await waitUntil('an answer in the new pair', () => {
      a.link.send(peerReport({ term: 2 }))
      return a.link.stats().roundTripMs !== null
    })
    assert.deepEqual(a.reports, [])
  })

  it('hears a peer that restarted, at its first ping', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    await sendUntilHeard(a, b, peerReport({ term: 1 }))
    const port = a.link.port()
    await a.link.close()
    const again = await side(port)
    again.link.setPeer({ address: HOST, port: b.link.port(), key })
    again.link.send(peerReport({ term: 2 }))
    await waitUntil('the new boot is heard', () => b.reports.some(({ term }) => term === 2))
  })

  it('drops what has another key, and what is garbage, and counts it', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    a.link.setPeer({ address: HOST, port: b.link.port(), key: randomBytes(32) })
    a.link.send(peerReport())
    const stranger = await recorder(() => b.link.port())
    for (const bytes of [randomBytes(20), randomBytes(300), randomBytes(5000), Buffer.from('HSB1')])
      stranger.socket.send(bytes, b.link.port(), HOST)
    const forged = Buffer.from('HSB1{"kind":"claim"}')
    const mac = createHmac('sha256', randomBytes(32)).update(forged).digest()
    stranger.socket.send(Buffer.concat([forged, mac]), b.link.port(), HOST)
    await waitUntil('all counted', () => {
      const { tooLarge, malformed, notAuthentic } = b.link.drops()
      return tooLarge === 1 && malformed === 3 && notAuthentic === 2
    })
    assert.deepEqual(b.reports, [])
    assert.equal(stranger.seen.length, 0, 'what is not authentic is not answered')
  })

  it('refuses every captured packet: at once, after a restart of the peer, after its own', async () => {
    const [a, b] = [await side(), await side()]
    const tap = await recorder(() => b.link.port())
    a.link.setPeer({ address: HOST, port: tap.port, key })
    b.link.setPeer({ address: HOST, port: a.link.port(), key })
    await sendUntilHeard(a, b, peerReport({ term: 1 }))
    a.link.sendClaim(peerReport({ term: 66 }))
    await waitUntil('both claims', () => b.claims.length === 2)
    const captured = [...tap.seen]

    const replay = async (victim: Side) => {
      const heard = victim.reports.length
      const before = sum(victim.link.drops())
      for (const datagram of captured) tap.socket.send(datagram, victim.link.port(), HOST)
      await waitUntil('all dropped', () => sum(victim.link.drops()) >= before + captured.length)
      const replayed = victim.reports.slice(heard).filter(({ term }) => term === 66)
      assert.deepEqual(replayed, [])
    }
    await replay(b)
    assert.equal(b.claims.length, 2)

    const port = a.link.port()
    await a.link.close()
    const a2 = await side(port)
    a2.link.setPeer({ address: HOST, port: b.link.port(), key })
    await sendUntilHeard(a2, b, peerReport({ term: 2 }))
    await replay(b)
    assert.equal(b.claims.length, 2)

    await b.link.close()
    const b2 = await side()
    b2.link.setPeer({ address: HOST, port: a2.link.port(), key })
    await replay(b2)
    assert.deepEqual(b2.claims, [])
  })

  it('sends nothing and hears nothing without a peer', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    await sendUntilHeard(a, b, peerReport())
    b.link.setPeer(null)
    const before = b.reports.length
    a.link.send(peerReport())
    await waitUntil('dropped', () => b.link.drops().noPeer > 0)
    b.link.send(peerReport())
    assert.equal(b.reports.length, before)
  })

  it('counts lost heartbeats when the peer is gone', async () => {
    const [a, b] = [await side(), await side()]
    pair(a, b)
    await b.link.close()
    a.link.send(peerReport())
    await waitUntil('the loss shows', () => a.link.stats().lossPercent === 100)
  })

  it('says which port is taken', async () => {
    const a = await side()
    const second = createHeartbeatLink({
      address: HOST,
      port: a.link.port(),
      clock: createSystemClock(),
    })
    await assert.rejects(second.start({ report: () => undefined, claim: () => undefined }), {
      code: 'HS_CONFIG_INVALID',
      message: /listen\.port = \d+: is used by another process/,
    })
  })
})

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, each) => total + each, 0)
}
