import assert from 'node:assert/strict'
import fc from 'fast-check'
import { makerOf, nextTerm, servedTerm } from '../../../plugin/core/term.ts'

describe('nextTerm', () => {
  it('is above everything seen, and never the same on both servers', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (one, other) => {
        const [primary, secondary] = [nextTerm(one, 'primary'), nextTerm(other, 'secondary')]
        assert.ok(primary > one && secondary > other)
        assert.notEqual(primary, secondary)
        assert.equal(makerOf(primary), 'primary')
        assert.equal(makerOf(secondary), 'secondary')
      }),
    )
  })

  it('begins with 1 on the primary', () => {
    assert.equal(nextTerm(0, 'primary'), 1)
  })
})

describe('servedTerm', () => {
  it('does not count a term that was claimed but never served', () => {
    assert.equal(servedTerm({ identity: 'secondary', term: 4, wasActive: false }), 0)
    assert.equal(servedTerm({ identity: 'secondary', term: 4, wasActive: true }), 4)
    assert.equal(servedTerm({ identity: 'secondary', term: 3, wasActive: false }), 3)
  })
})
