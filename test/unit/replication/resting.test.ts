import assert from 'node:assert/strict'
import { nobodyInProgress, Resting } from '../../../plugin/replication/resting.ts'

describe('resting of the reader', () => {
  it('sleeps long only when every change comes with a wake-up', () => {
    const resting = new Resting()
    assert.ok(resting.nextMs('certain') >= 250)
    assert.ok(resting.nextMs('openTransactions') <= 5)
    assert.ok(resting.nextMs('notListening') <= 5)
  })

  it('looks ever less often while nothing happens, and often again afterwards', () => {
    const resting = new Resting()
    const sleeps = Array.from({ length: 20 }, () => resting.nextMs('openTransactions'))
    assert.deepEqual(
      sleeps,
      [...sleeps].sort((one, other) => one - other),
    )
    assert.equal(sleeps.at(-1), 50)
    resting.reset()
    assert.equal(resting.nextMs('openTransactions'), sleeps[0])
  })

  it('knows from a snapshot whether a transaction was in progress', () => {
    assert.equal(nobodyInProgress('751:751:'), true)
    assert.equal(nobodyInProgress('751:753:751'), false)
    assert.equal(nobodyInProgress('751:753:'), false)
  })
})
