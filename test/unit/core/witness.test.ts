import assert from 'node:assert/strict'
import { deriveTiming } from '../../../plugin/core/timing.ts'
import { NO_WITNESS, withAnswer } from '../../../plugin/core/witness.ts'

describe('the role at the witness', () => {
  const timing = deriveTiming({ keepAliveIntervalMs: 500, deadTimeMs: 5000 })
  const answered = (answer: 'granted' | 'heldByPeer', askedAt: number, now: number) =>
    ({ type: 'witnessAnswered', answer, askedAt, now }) as const

  it('is counted from the question, however late the answer is', () => {
    const view = withAnswer(NO_WITNESS, answered('granted', 1000, 1700), timing)
    assert.equal(view.heldUntil, 1000 + timing.witnessMs)
  })

  it('is not shortened by an answer to an older question, and ends when the peer has it', () => {
    const later = withAnswer(NO_WITNESS, answered('granted', 2000, 2100), timing)
    const older = withAnswer(later, answered('granted', 1000, 2200), timing)
    assert.equal(older.heldUntil, 2000 + timing.witnessMs)
    assert.equal(withAnswer(older, answered('heldByPeer', 2300, 2400), timing).heldUntil, null)
  })
})
