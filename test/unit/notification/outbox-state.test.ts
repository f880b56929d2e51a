import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  applyRecord,
  compacted,
  EMPTY_OUTBOX,
  type OutboxRecord,
} from '../../../plugin/notification/outbox-state.ts'

const mail = (id: string) => ({
  id,
  at: '',
  queuedAtMs: 1,
  to: 'a@example.test',
  subject: '',
  text: '',
  html: '',
  messageId: '',
})
const ids = fc.constantFrom('a', 'b', 'c', 'd')
const records: fc.Arbitrary<OutboxRecord> = fc.oneof(
  fc.nat(50).map((eventId) => ({ type: 'seen' as const, eventId })),
  ids.map((id) => ({ type: 'queued' as const, mail: mail(id) })),
  fc.tuple(ids, fc.integer({ min: 1, max: 9 })).map(([id, attempts]) => ({
    type: 'attemptFailed' as const,
    id,
    scope: 'server' as const,
    reason: 'r',
    attempts,
  })),
  ids.map((id) => ({ type: 'delivered' as const, id })),
  ids.map((id) => ({ type: 'gaveUp' as const, id })),
)
const stateOf = (list: readonly OutboxRecord[]) => list.reduce(applyRecord, EMPTY_OUTBOX)

describe('outbox state', () => {
  it('is the same after compaction', () => {
    fc.assert(
      fc.property(fc.array(records), (list) => {
        const withReasons = stateOf(list)
        const again = stateOf(compacted(withReasons, 100))
        const shown = (state: typeof again) =>
          [...state.entries.values()].map((entry) => [entry.mail.id, entry.state, entry.attempts])
        assert.deepEqual(shown(again), shown(withReasons))
        assert.equal(again.seenEventId, withReasons.seenEventId)
      }),
    )
  })

  it('never sends again what was delivered', () => {
    const state = stateOf([
      { type: 'queued', mail: mail('a') },
      { type: 'delivered', id: 'a' },
      { type: 'queued', mail: mail('a') },
      { type: 'attemptFailed', id: 'a', scope: 'server', reason: '', attempts: 2 },
    ])
    assert.equal(state.entries.get('a')?.state, 'delivered')
  })

  it('forgets the oldest that are done, and nothing that waits', () => {
    const state = stateOf([
      { type: 'queued', mail: mail('a') },
      { type: 'queued', mail: mail('b') },
      { type: 'queued', mail: mail('c') },
      { type: 'delivered', id: 'b' },
      { type: 'gaveUp', id: 'c' },
    ])
    assert.deepEqual([...stateOf(compacted(state, 1)).entries.keys()], ['a', 'c'])
  })
})
