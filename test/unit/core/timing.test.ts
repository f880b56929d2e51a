import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  checkTiming,
  DEFAULT_DEAD_TIME_MS,
  DEFAULT_KEEP_ALIVE_INTERVAL_MS,
  deriveTiming,
  shortestDeadTimeMs,
} from '../../../plugin/core/timing.ts'

const KERNEL_LATENESS_MS = 1250
const SLACK_MS = 250

describe('deriveTiming', () => {
  it('gives the default profile', () => {
    const timing = deriveTiming({
      keepAliveIntervalMs: DEFAULT_KEEP_ALIVE_INTERVAL_MS,
      deadTimeMs: DEFAULT_DEAD_TIME_MS,
    })
    assert.equal(timing.leaseMs, 3000)
    assert.equal(timing.renewMs, 750)
    assert.equal(timing.isolationMs, 2500)
    assert.equal(timing.initDeadMs, 10_000)
  })

  it('keeps the timing law for all settings that are accepted', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 60_000 }),
        fc.integer({ min: 1, max: 600_000 }),
        (h, dead) => {
          fc.pre(checkTiming(h, dead).length === 0)
          const timing = deriveTiming({ keepAliveIntervalMs: h, deadTimeMs: dead })
          assert.equal(timing.leaseMs % 1000, 0, 'the kernel counts whole seconds')
          assert.ok(dead >= timing.leaseMs + KERNEL_LATENESS_MS + h + SLACK_MS, 'lease')
          assert.ok(dead >= timing.isolationMs + h + SLACK_MS, 'isolation')
          assert.ok(timing.isolationMs >= 3 * h, 'a few lost packets are no isolation')
          assert.ok(
            timing.isolationMs >= 2 * timing.referenceBusyMs,
            'two questions to the gateway',
          )
          assert.ok(timing.renewMs <= timing.leaseMs / 4)
          assert.ok(timing.tickMs < timing.renewMs)
          assert.ok(timing.initDeadMs >= 2 * dead)
        },
      ),
    )
  })
})

describe('deriveTiming with the gate', () => {
  const GATE_LATENESS_MS = 50
  const withGate = (h: number, dead: number) =>
    deriveTiming({ keepAliveIntervalMs: h, deadTimeMs: dead, virtualIp: { gate: true } })

  it('leaves a longer lease for the same dead time, and allows a shorter one', () => {
    assert.equal(withGate(500, 5000).leaseMs, 4200)
    assert.equal(shortestDeadTimeMs(100, true), 800)
    assert.equal(shortestDeadTimeMs(100), 2600)
    assert.deepEqual(checkTiming(100, 800, true), [])
    assert.equal(checkTiming(100, 799, true)[0]?.field, 'deadTimeMs')
  })

  it('keeps the timing law for all settings that are accepted', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 60_000 }),
        fc.integer({ min: 1, max: 600_000 }),
        (h, dead) => {
          fc.pre(checkTiming(h, dead, true).length === 0)
          const timing = withGate(h, dead)
          assert.ok(dead >= timing.leaseMs + GATE_LATENESS_MS + h + SLACK_MS, 'lease')
          assert.ok(dead >= timing.isolationMs + h + SLACK_MS, 'isolation')
          assert.ok(timing.isolationMs >= 3 * h, 'a few lost packets are no isolation')
          assert.ok(timing.renewMs <= timing.leaseMs / 4)
          assert.ok(timing.tickMs < timing.renewMs)
          assert.ok(timing.stallMs < dead, 'a stall is noticed before it looks like silence')
        },
      ),
    )
  })
})

describe('checkTiming', () => {
  it('accepts the shortest dead time of an interval and nothing below', () => {
    for (const interval of [100, 200, 500, 1000, 2000, 60_000]) {
      const shortest = shortestDeadTimeMs(interval)
      assert.deepEqual(checkTiming(interval, shortest), [])
      const [problem] = checkTiming(interval, shortest - 1)
      assert.equal(problem?.field, 'deadTimeMs')
      assert.match(problem.remedy, new RegExp(`${shortest}`))
    }
  })

  it('names every time that is out of range', () => {
    const fields = (interval: number, dead: number): string[] =>
      checkTiming(interval, dead).map((problem) => problem.field)
    assert.deepEqual(fields(99, 5000), ['keepAliveIntervalMs'])
    assert.deepEqual(fields(500, 600_001), ['deadTimeMs'])
    assert.deepEqual(fields(0.5, Number.NaN), ['keepAliveIntervalMs', 'deadTimeMs'])
  })
})
