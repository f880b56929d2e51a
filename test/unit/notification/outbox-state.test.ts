import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { OutboxMessage } from '../../../plugin/api/outbox-message.ts'
import {
  applyRecords,
  compacted,
  EMPTY_OUTBOX,
  excessOf,
  type OutboxRecord,
} from '../../../plugin/notification/outbox-state.ts'

const mail = (id: string): OutboxMessage => ({
  id,
  channel: 'mail',
  origin: 'server-a',
  event: 'server-a:1',
  kind: 'peerLost',
  level: 'alert',
  at: '',
  queuedAtMs: 1,
  to: 'a@example.test',
  subject: '',
  text: '',
  html: '',
  messageId: '',
})
const held = (group: string, kind: string, firstMs: number, lastMs: number) => ({
  type: 'held' as const,
  event: {
    group,
    kind,
    level: 'alert' as const,
    eventId: lastMs,
    at: '',
    firstMs,
    lastMs,
    count: 1,
  },
})
const all = { nowMs: 0, keepDoneMs: 1, keepDone: 100 }
const ids = fc.constantFrom('a', 'b', 'c', 'd')
const records: fc.Arbitrary<OutboxRecord> = fc.oneof(
  fc.nat(50).map((eventId) => ({ type: 'seen' as const, eventId })),
  ids.map((id) => ({ type: 'queued' as const, message: mail(id), shared: false })),
  fc.tuple(ids, fc.integer({ min: 1, max: 9 })).map(([id, attempts]) => ({
    type: 'attemptFailed' as const,
    id,
    scope: 'server' as const,
    reason: 'r',
    attempts,
  })),
  ids.map((id) => ({ type: 'delivered' as const, id })),
  ids.map((id) => ({ type: 'gaveUp' as const, id })),
  ids.map((id) => ({ type: 'settledByPeer' as const, id })),
  ids.map((id) => ({ type: 'shared' as const, id })),
  fc
    .tuple(ids, fc.constantFrom('peerLost', 'peerBack'), fc.nat(99))
    .map(([group, kind, at]) => held(group, kind, at, at)),
  ids.map((group) => ({ type: 'released' as const, group })),
)
const stateOf = (list: readonly OutboxRecord[]) => applyRecords(EMPTY_OUTBOX, list)

describe('outbox state', () => {
  it('is the same after compaction', () => {
    fc.assert(
      fc.property(fc.array(records), (list) => {
        const withReasons = stateOf(list)
        const again = stateOf(compacted(withReasons, all))
        const shown = (state: typeof again) =>
          [...state.entries.values()].map((entry) => [
            ...[entry.message.id, entry.state, entry.attempts, entry.shared],
          ])
        assert.deepEqual(shown(again), shown(withReasons))
        assert.equal(again.seenEventId, withReasons.seenEventId)
        assert.deepEqual([...again.held].sort(), [...withReasons.held].sort())
      }),
    )
  })

  it('never sends again what was delivered', () => {
    const state = stateOf([
      { type: 'queued', shared: false, message: mail('a') },
      { type: 'delivered', id: 'a' },
      { type: 'queued', shared: false, message: mail('a') },
      { type: 'attemptFailed', id: 'a', scope: 'server', reason: '', attempts: 2 },
    ])
    assert.equal(state.entries.get('a')?.state, 'delivered')
  })

  it('forgets the oldest that are done, and nothing that waits', () => {
    const state = stateOf([
      { type: 'queued', shared: false, message: mail('a') },
      { type: 'queued', shared: false, message: mail('b') },
      { type: 'queued', shared: false, message: mail('c') },
      { type: 'delivered', id: 'b' },
      { type: 'gaveUp', id: 'c' },
    ])
    assert.deepEqual(
      [...stateOf(compacted(state, { ...all, keepDone: 1 })).entries.keys()],
      ['a', 'c'],
    )
  })

  it('gives up the least important and oldest when too many wait', () => {
    const queued = (id: string, level: 'information' | 'alert') =>
      ({ type: 'queued', shared: false, message: { ...mail(id), level } }) as const
    const state = stateOf([
      queued('a', 'alert'),
      queued('b', 'information'),
      queued('c', 'alert'),
      queued('d', 'information'),
      queued('e', 'alert'),
      { type: 'delivered', id: 'e' },
    ])
    const given = (most: number) =>
      excessOf(state, most).map((record) => 'id' in record && record.id)
    assert.deepEqual(given(4), [])
    assert.deepEqual(given(3), ['b'])
    assert.deepEqual(given(1), ['b', 'd', 'a'])
  })

  it('reads thousands of lines in a moment', () => {
    const list = Array.from({ length: 8000 }, (_, n): OutboxRecord[] => [
      { type: 'queued', shared: false, message: mail(String(n)) },
      { type: 'delivered', id: String(n) },
    ]).flat()
    const startedAt = performance.now()
    assert.equal(stateOf(list).entries.size, 8000)
    assert.ok(performance.now() - startedAt < 1000)
  })
})
