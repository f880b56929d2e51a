import assert from 'node:assert/strict'
import type { HeartbeatPacket } from '../../../plugin/agent/heartbeat-packet.ts'
import {
  LATE_MS,
  createHeartbeatSession,
  type HeartbeatSession,
} from '../../../plugin/agent/heartbeat-session.ts'

function say(
  session: HeartbeatSession,
  at: number,
  inReplyTo?: HeartbeatPacket,
  kind: HeartbeatPacket['kind'] = 'ping',
): HeartbeatPacket {
  return { kind, ...session.stamp(inReplyTo), at, echo: null, report: null }
}

/** Both sides believe each other afterwards. */
function introduce(one: HeartbeatSession, other: HeartbeatSession, at = 0): void {
  const first = say(one, at)
  other.judge(first, at)
  const reply = say(other, at, first, 'challenge')
  assert.equal(one.judge(reply, at), 'heard')
  assert.equal(other.judge(say(one, at, reply, 'pong'), at), 'heard')
}

describe('heartbeat session', () => {
  it('believes nobody before a nonce was answered', () => {
    const [a, b] = [createHeartbeatSession(), createHeartbeatSession()]
    assert.equal(b.judge(say(a, 0), 0), 'unproven')
    assert.equal(b.judge(say(a, 1), 1), 'unproven')
  })

  it('believes both ways after one round trip and a half', () => {
    const [a, b] = [createHeartbeatSession(), createHeartbeatSession()]
    introduce(a, b)
    assert.equal(b.judge(say(a, 10), 10), 'heard')
    assert.equal(a.judge(say(b, 10), 10), 'heard')
  })

  it('refuses a packet that it has seen, and one from before it', () => {
    const [a, b] = [createHeartbeatSession(), createHeartbeatSession()]
    introduce(a, b)
    const [first, second] = [say(a, 10), say(a, 20)]
    assert.equal(b.judge(second, 20), 'heard')
    assert.equal(b.judge(second, 21), 'replayed')
    assert.equal(b.judge(first, 22), 'replayed')
  })

  it('refuses its own packets when they are thrown back', () => {
    const [a, b] = [createHeartbeatSession(), createHeartbeatSession()]
    introduce(a, b)
    assert.equal(a.judge(say(a, 10), 10), 'reflected')
  })

  it('refuses every packet of an older boot of the peer', () => {
    const [a1, a2, b] = [1, 2, 3].map(() => createHeartbeatSession())
    introduce(a1!, b!)
    const captured = [say(a1!, 10), say(a1!, 20), say(a1!, 30)]
    introduce(a2!, b!)
    for (const packet of captured) assert.equal(b!.judge(packet, 40), 'unproven')
    assert.equal(b!.judge(say(a2!, 50), 50), 'heard')
  })

  it('refuses everything that was captured before its own restart', () => {
    const [a, b1, b2] = [1, 2, 3].map(() => createHeartbeatSession())
    introduce(a!, b1!)
    const captured = [say(a!, 10), say(a!, 20)]
    for (const packet of captured) assert.equal(b2!.judge(packet, 30), 'unproven')
    introduce(a!, b2!)
    for (const packet of captured) assert.equal(b2!.judge(packet, 40), 'replayed')
  })

  it('is not moved from the present peer by replays of an older boot', () => {
    const [a1, a2, b] = [1, 2, 3].map(() => createHeartbeatSession())
    introduce(a1!, b!)
    const captured = say(a1!, 10)
    introduce(a2!, b!)
    b!.judge(captured, 20)
    assert.equal(a2!.judge(say(b!, 30, captured, 'challenge'), 30), 'heard', 'a2 still hears b')
    assert.equal(b!.judge(say(a2!, 40), 40), 'heard', 'b still hears a2')
  })

  it('does not take a packet that was kept back for a sign of life, until the peer proves itself', () => {
    const [a, b] = [createHeartbeatSession(), createHeartbeatSession()]
    introduce(a, b)
    const keptBack = [say(a, 100), say(a, 200)]
    const now = 200 + LATE_MS + 1
    assert.equal(b.judge(keptBack[0]!, now), 'late')
    assert.equal(b.judge(keptBack[1]!, now), 'unproven')
    const challenge = say(b, now, keptBack[1], 'challenge')
    assert.equal(a.judge(challenge, now), 'heard')
    assert.equal(b.judge(say(a, now, challenge, 'pong'), now), 'heard')
  })

  it('believes a peer again after its machine was paused, one round trip later', () => {
    const [a, b] = [createHeartbeatSession(), createHeartbeatSession()]
    introduce(a, b)
    const pauseMs = 60_000 // its clock stood still, ours did not
    const first = say(a, 100)
    assert.equal(b.judge(first, 100 + pauseMs), 'late')
    const challenge = say(b, 100 + pauseMs, first, 'challenge')
    assert.equal(a.judge(challenge, 101), 'heard')
    assert.equal(b.judge(say(a, 101, challenge, 'pong'), 101 + pauseMs), 'heard')
    assert.equal(b.judge(say(a, 600), 600 + pauseMs), 'heard')
  })

  it('bears clocks that run apart for months', () => {
    const [a, b] = [createHeartbeatSession(), createHeartbeatSession()]
    introduce(a, b)
    for (let hour = 1; hour <= 24 * 90; hour += 1) {
      const at = hour * 3_600_000
      assert.equal(b.judge(say(a, at), at * 1.0002), 'heard', `hour ${hour}`)
      assert.equal(a.judge(say(b, at * 1.0002), at), 'heard', `hour ${hour}`)
    }
  })
})
