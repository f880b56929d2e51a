import assert from 'node:assert/strict'
import { witnessConfig } from '../../../plugin/config/witness-config.ts'

const GIVEN = { url: 'https://192.168.1.3:2379', key: 'hot-standby/office' }

describe('witnessConfig', () => {
  it('takes an address and a key, and a user with a password file', () => {
    assert.deepEqual(witnessConfig.parse(GIVEN), GIVEN)
    const withUser = { ...GIVEN, user: 'pbx', passwordFile: 'etcd.password' }
    assert.deepEqual(witnessConfig.parse(withUser), withUser)
  })

  const refused: Readonly<Record<string, readonly [object, RegExp]>> = {
    'an address of another kind': [{ ...GIVEN, url: 'etcd:2379' }, /not an address of etcd \| /],
    'a password in the address': [
      { ...GIVEN, url: 'https://pbx:secret@192.168.1.3:2379' },
      /has a user name \| Put it into user/,
    ],
    'no key': [{ ...GIVEN, key: '' }, /same name on both servers/],
    'a user without a password file': [{ ...GIVEN, user: 'pbx' }, /needs both/],
    'a password in the file': [{ ...GIVEN, password: 'secret' }, /password/],
  }
  for (const [what, [given, message]] of Object.entries(refused))
    it(`refuses ${what}`, () => {
      const result = witnessConfig.safeParse(given)
      assert.match(result.error?.message ?? '', message)
    })
})
