import assert from 'node:assert/strict'
import { createHeartbeatStatistics } from '../../../plugin/agent/heartbeat-statistics.ts'

describe('heartbeat statistics', () => {
  it('knows nothing before the first answer', () => {
    const statistics = createHeartbeatStatistics()
    statistics.pinged(1, 0)
    assert.deepEqual(statistics.read(10), {
      roundTripMs: null,
      lossPercent: null,
      recentRoundTripsMs: [],
    })
  })

  it('counts a ping as lost only after its answer had time', () => {
    const statistics = createHeartbeatStatistics()
    statistics.pinged(1, 0)
    statistics.pinged(2, 500)
    statistics.answered(2, 501.25)
    assert.equal(statistics.read(900).lossPercent, 0)
    assert.equal(statistics.read(1600).lossPercent, 50)
    assert.deepEqual(statistics.read(1600).recentRoundTripsMs, [null, 1.25])
  })

  it('forgets what is older than a minute', () => {
    const statistics = createHeartbeatStatistics()
    statistics.pinged(1, 0)
    statistics.pinged(2, 59_000)
    statistics.answered(2, 59_002)
    assert.equal(statistics.read(59_500).lossPercent, 50)
    assert.equal(statistics.read(61_000).lossPercent, 0)
    assert.equal(statistics.read(120_000).lossPercent, null)
  })

  it('takes the first of two answers', () => {
    const statistics = createHeartbeatStatistics()
    statistics.pinged(1, 0)
    statistics.answered(1, 2)
    statistics.answered(1, 900)
    assert.equal(statistics.read(1000).roundTripMs, 2)
  })
})
