import assert from 'node:assert/strict'
import { instantOf, localOf } from '../../../plugin/http/i18n/zoned-time.ts'

describe('a time in a field', () => {
  for (const [local, zone, instant] of [
    ['2026-03-01T09:00', 'UTC', '2026-03-01T09:00:00.000Z'],
    ['2026-03-01T09:00:07', 'Europe/Vienna', '2026-03-01T08:00:07.000Z'],
    ['2026-07-01T09:00', 'Europe/Vienna', '2026-07-01T07:00:00.000Z'],
    ['2026-03-29T03:00', 'Europe/Vienna', '2026-03-29T01:00:00.000Z'],
    ['2026-03-29T01:59:59', 'Europe/Vienna', '2026-03-29T00:59:59.000Z'],
    ['2026-01-01T00:00', 'Asia/Kolkata', '2025-12-31T18:30:00.000Z'],
    ['2026-12-31T23:00', 'America/New_York', '2027-01-01T04:00:00.000Z'],
  ] as const)
    it(`is ${instant} for ${local} in ${zone}, and back`, () => {
      assert.equal(instantOf(local, zone), instant)
      assert.equal(localOf(instant, zone).slice(0, local.length), local)
    })

  for (const text of ['', 'yesterday', '2026-02-30T10:00', '2026-13-01T10:00', '2026-03-01', '1'])
    it(`is none for "${text}"`, () => {
      assert.equal(instantOf(text, 'UTC'), null)
      assert.equal(localOf('not a time', 'UTC'), '')
    })

  it('does not exist twice when the clocks go back', () => {
    assert.match(instantOf('2026-10-25T02:30', 'Europe/Vienna') ?? '', /^2026-10-25T0[01]:30/)
  })
})
