import assert from 'node:assert/strict'
import { CALM, type PairWatchInput, watchPair } from '../../../plugin/core/pair-alarms.ts'

const MINUTE = 60_000
const LIMITS = { unprotectedMs: 5 * MINUTE, behindMs: 60_000 }
const WELL = { unprotectedBecause: null, isProtected: true, lagMs: 0 } as const
const OPEN = { unprotectedBecause: 'the standby does not answer', isProtected: false, lagMs: null }

/** Looks once a minute at what is given for each minute; what was recorded, and when. */
function watch(minutes: readonly Omit<PairWatchInput, 'now'>[], from = CALM): string[] {
  let state = from
  return minutes.flatMap((input, minute) => {
    const looked = watchPair(state, { ...input, now: minute * MINUTE }, LIMITS)
    state = looked.state
    return looked.notices.map(({ kind, reason }) => `${minute} ${kind}: ${reason}`)
  })
}
const times = <T>(count: number, what: T): T[] => Array.from({ length: count }, () => what)

describe('the watch over the pair', () => {
  it('says that the system is not protected, again ever more seldom, and that it is again', () => {
    assert.deepEqual(watch([...times(45, OPEN), WELL, WELL]), [
      '5 notProtected: for 5 minutes: the standby does not answer',
      '10 notProtected: for 10 minutes: the standby does not answer',
      '20 notProtected: for 20 minutes: the standby does not answer',
      '40 notProtected: for 40 minutes: the standby does not answer',
      '45 protectedAgain: a take-over would work now',
    ])
  })

  it('says it once a day at last', () => {
    const said = watch(times(6 * 1440, OPEN)).map((line) => Number(line.split(' ')[0]))
    const gaps = said.map((minute, n) => minute - (said[n - 1] ?? 0))
    assert.ok(gaps.length >= 10 && gaps.every((gap) => gap <= 1440))
    assert.deepEqual(gaps.slice(-3), [1440, 1440, 1440])
  })

  it('says nothing of a short time, and counts anew after each', () => {
    assert.deepEqual(watch([...times(4, OPEN), WELL, ...times(4, OPEN), WELL]), [])
  })

  it('says nothing in maintenance, and clears only when it is really protected', () => {
    const excused = { ...OPEN, unprotectedBecause: null }
    assert.deepEqual(watch(times(60, excused)), [])
    assert.deepEqual(watch([...times(6, OPEN), ...times(9, excused), WELL]).length, 2)
  })

  it('says that the standby is behind once, until it has caught up to half the limit', () => {
    const lag = (lagMs: number | null) => ({ ...WELL, lagMs })
    const lags = [10_000, 60_000, 90_000, null, 40_000, 61_000, 29_000, 0, 60_000].map(lag)
    assert.deepEqual(watch(lags), [
      '1 synchronisationBehind: the oldest change that the standby has not got is 60 s old',
      '6 synchronisationCaughtUp: 29 s behind',
      '8 synchronisationBehind: the oldest change that the standby has not got is 60 s old',
    ])
  })

  it('goes on after a restart where it was', () => {
    assert.deepEqual(watch([WELL], { ...CALM, told: 1, behindTold: true }), [
      '0 protectedAgain: a take-over would work now',
      '0 synchronisationCaughtUp: 0 s behind',
    ])
  })
})
