import assert from 'node:assert/strict'
import { isSecretColumn } from '../../../plugin/core/secret-columns.ts'
import { withoutSecrets } from '../../../plugin/node-agent/unsent-api.ts'
import { unsentChange } from '../../support/unsent-change.ts'

describe('values that nobody must read from a page', () => {
  it('are known by the name of their column', () => {
    for (const name of [
      'password',
      'sip_password',
      'sipPassword',
      'passwd',
      'secret',
      'api_token',
      'apiKey',
      'private_key',
      'pin',
      'voicemail_pin',
      'pwd',
      'md5_cred',
      'a1_hash',
    ])
      assert.ok(isSecretColumn(name), name)
    for (const name of ['number', 'pinned', 'shipping', 'spin_rate', 'bypass', 'name', 'key_id'])
      assert.equal(isSecretColumn(name), false, name)
  })

  it('are hidden on both sides, and whether they differ is said', () => {
    const change = unsentChange({
      key: ['7', 't-1'],
      loser: { id: '7', token: 't-1', secret: 'one', pin: null, name: 'Ann' },
      winner: { id: '7', token: 't-1', secret: 'two', pin: '1234', name: 'Bob' },
    })
    const { key, loser, winner } = withoutSecrets(change)
    assert.deepEqual(key, ['7', '••••••'])
    assert.deepEqual(loser, {
      id: '7',
      token: '••••••',
      secret: '•••••• ≠',
      pin: null,
      name: 'Ann',
    })
    assert.deepEqual(winner, {
      id: '7',
      token: '••••••',
      secret: '•••••• ≠',
      pin: '•••••• ≠',
      name: 'Bob',
    })
  })

  it('of a row that the other server has not got are hidden, too', () => {
    const { loser, winner } = withoutSecrets(unsentChange({ loser: { pin: '1' }, winner: null }))
    assert.deepEqual([loser, winner], [{ pin: '••••••' }, null])
  })
})
