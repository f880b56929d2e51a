import assert from 'node:assert/strict'
import {
  formatBytes,
  formatMs,
  parseDurationMs,
  parseWholeNumber,
} from '../../../plugin/cli/units.ts'

describe('units of the command line', () => {
  it('reads a bare number as seconds and takes ms, s, min and h', () => {
    assert.deepEqual(
      ['5', '0.5', '5s', '500ms', '2min', '8h'].map(parseDurationMs),
      [5000, 500, 5000, 500, 120_000, 28_800_000],
    )
  })

  for (const wrong of ['', 'five', '-1', '1d', '5 s', '1e3', 'NaN', '٣']) {
    it(`refuses the duration ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => parseDurationMs(wrong), /Give seconds/)
    })
  }

  it('refuses a number with a fraction or a sign', () => {
    for (const wrong of ['1.5', '-1', '+1', '0x10', ''])
      assert.throws(() => parseWholeNumber(wrong), /whole number/, wrong)
  })

  it('writes times and sizes in the unit a human would choose', () => {
    assert.deepEqual([0, 340, 4200, 45_000, 600_000, 10_800_000].map(formatMs), [
      '0 ms',
      '340 ms',
      '4.2 s',
      '45 s',
      '10 min',
      '3 h',
    ])
    assert.deepEqual([512, 2048, 5_242_880, 3_221_225_472].map(formatBytes), [
      '512 B',
      '2.0 KiB',
      '5.0 MiB',
      '3.0 GiB',
    ])
  })
})
