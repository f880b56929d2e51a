import assert from 'node:assert/strict'
import { covers } from '../../../plugin/replication/snapshot.ts'

describe('covers', () => {
  const cases: readonly (readonly [string, string, boolean, string])[] = [
    ['10:10:', '10:10:', true, 'the same snapshot'],
    ['12:12:', '10:10:', true, 'a later one'],
    ['10:10:', '12:12:', false, 'an earlier one'],
    ['8:12:8', '10:10:', false, 'later, but a transaction that the other sees is still open'],
    ['8:12:8', '8:10:8', true, 'the same transaction is open in both'],
    ['11:13:11', '11:11:', true, 'the open transaction began after the other snapshot'],
    ['8:10:8', '9:10:9', false, 'different transactions are open'],
    [
      '18446744073709551615:18446744073709551615:',
      '9007199254740993:9007199254740993:',
      true,
      'beyond 2^53',
    ],
  ]
  for (const [applied, wanted, expected, what] of cases) {
    it(`${what}: ${applied} ${expected ? 'covers' : 'does not cover'} ${wanted}`, () => {
      assert.equal(covers(applied, wanted), expected)
    })
  }
})
