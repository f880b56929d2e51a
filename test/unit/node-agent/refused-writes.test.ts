import assert from 'node:assert/strict'
import { RefusedWrites, type ToldRefusal } from '../../../plugin/node-agent/refused-writes.ts'
import { waitUntil } from '../../support/wait-until.ts'

describe('what the configuration lock refused', () => {
  it('is told at once, and the rest of the minute as one number', async () => {
    const told: ToldRefusal[] = []
    const refused = new RefusedWrites((one) => told.push(one), 40)
    for (let turn = 0; turn < 100; turn++) refused.refused('/api/calls', 'ann')
    refused.refused('/api/calls', 'bob')
    assert.deepEqual(told, [
      { path: '/api/calls', user: 'ann', more: 0 },
      { path: '/api/calls', user: 'bob', more: 0 },
    ])
    await waitUntil('the number', () => told.length > 2)
    assert.deepEqual(told.slice(2), [{ path: '/api/calls', user: 'ann', more: 99 }])
    refused.refused('/api/calls', 'ann')
    assert.deepEqual(told.at(-1), { path: '/api/calls', user: 'ann', more: 0 })
  })

  it('tells paths that somebody makes up together', () => {
    const told: ToldRefusal[] = []
    const refused = new RefusedWrites((one) => told.push(one))
    for (let turn = 0; turn < 1000; turn++) refused.refused(`/pbx/${turn}`, null)
    assert.equal(told.length, 51)
    assert.equal(told.at(-1)?.path, 'other paths')
  })
})
