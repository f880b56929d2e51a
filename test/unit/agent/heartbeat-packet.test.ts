import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  LARGEST_PACKET_BYTES,
  decodePacket,
  encodePacket,
  type HeartbeatPacket,
} from '../../../plugin/agent/heartbeat-packet.ts'
import { peerReport } from '../../support/heartbeat.ts'

const key = randomBytes(32)
const packet: HeartbeatPacket = {
  kind: 'ping',
  boot: 'a'.repeat(32),
  sequence: 7,
  at: 1234.5,
  challenge: 'b'.repeat(32),
  answer: null,
  echo: null,
  report: peerReport({ term: 3 }),
}

describe('heartbeat packet', () => {
  it('arrives as it was sent', () => {
    assert.deepEqual(decodePacket(encodePacket(packet, key), key), { result: 'packet', packet })
  })

  it('stays far below the size that a link carries in one piece', () => {
    const full = { ...packet, answer: 'c'.repeat(32), echo: Number.MAX_SAFE_INTEGER }
    assert.ok(encodePacket(full, key).length < LARGEST_PACKET_BYTES / 1.5)
  })

  it('is refused with another key', () => {
    const decoded = decodePacket(encodePacket(packet, key), randomBytes(32))
    assert.deepEqual(decoded, { result: 'notAuthentic' })
  })

  it('is refused when any byte was changed', () => {
    const good = encodePacket(packet, key)
    for (let index = 0; index < good.length; index += 1) {
      const bad = Buffer.from(good)
      bad[index] = bad[index]! ^ 1
      assert.notEqual(decodePacket(bad, key).result, 'packet', `byte ${index}`)
    }
  })

  it('is refused when cut short at any length, or empty, or too large', () => {
    const good = encodePacket(packet, key)
    for (let length = 0; length < good.length; length += 1)
      assert.notEqual(decodePacket(good.subarray(0, length), key).result, 'packet')
    assert.deepEqual(decodePacket(Buffer.alloc(LARGEST_PACKET_BYTES + 1), key), {
      result: 'tooLarge',
    })
  })

  it('is refused when its fields are wrong although its key is right', () => {
    const wrong = [
      { ...packet, sequence: -1 },
      { ...packet, boot: 'x' },
      { ...packet, kind: 'surrender' },
      { ...packet, report: { ...peerReport(), term: 1.5 } },
      { ...packet, report: { ...peerReport(), role: 'king' } },
    ]
    for (const value of wrong) {
      const datagram = encodePacket(value as unknown as HeartbeatPacket, key)
      assert.deepEqual(decodePacket(datagram, key), { result: 'malformed' })
    }
  })

  it('ignores fields that a newer peer adds', () => {
    const newer = { ...packet, mood: 'good' } as HeartbeatPacket
    assert.deepEqual(decodePacket(encodePacket(newer, key), key), { result: 'packet', packet })
  })
})
