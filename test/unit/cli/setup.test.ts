import assert from 'node:assert/strict'
import { toSettingsInput } from '../../../plugin/cli/commands/setup.ts'
import { parseContact } from '../../../plugin/cli/parse-contact.ts'

describe('hot-standby setup', () => {
  it('sends only what was given, under the names of the settings', () => {
    const input = toSettingsInput('primary', {
      virtualIp: '192.168.1.10/24',
      keepAlive: 500,
      deadTime: 5000,
      reference: ['192.168.1.1'],
      interface: 'eth0',
      expectedSerial: 'SN-2',
    })
    assert.deepEqual(input, {
      server: { identity: 'primary', networkInterface: 'eth0', expectedPeerSerialNumber: 'SN-2' },
      pair: {
        virtualIp: { address: '192.168.1.10', prefixLength: 24 },
        keepAliveIntervalMs: 500,
        deadTimeMs: 5000,
        referenceAddresses: ['192.168.1.1'],
      },
    })
  })

  it('leaves a missing or a wrong prefix for the agent to refuse by name', () => {
    assert.deepEqual(toSettingsInput('primary', { virtualIp: '192.168.1.10' }).pair, {
      virtualIp: { address: '192.168.1.10' },
    })
    assert.deepEqual(toSettingsInput('primary', { virtualIp: '192.168.1.10/x' }).pair, {
      virtualIp: { address: '192.168.1.10', prefixLength: 'x' },
    })
  })

  it('names lists of exclusions one by one, and empties what is switched off', () => {
    assert.deepEqual(toSettingsInput('primary', { excludeTable: ['a', 'b'] }).pair, {
      exclude: { tables: ['a', 'b'] },
    })
    const none = { excludeTable: false, excludeColumn: false, confirmSaves: false } as const
    assert.deepEqual(toSettingsInput('primary', none).pair, {
      exclude: { tables: [], columns: [] },
      confirmSavesMs: null,
    })
    assert.deepEqual(toSettingsInput('primary', { confirmSaves: 1000 }).pair, {
      confirmSavesMs: 1000,
    })
  })

  it('turns the gate on and off without naming the virtual IP again', () => {
    const pairOf = (gate: boolean) => toSettingsInput('primary', { gate }).pair
    assert.deepEqual(pairOf(true), { virtualIp: { gate: true } })
    assert.deepEqual(pairOf(false), { virtualIp: { gate: false } })
  })

  it('keeps "not given" and "switched off" apart', () => {
    assert.deepEqual(toSettingsInput('primary', {}).pair, {})
    assert.deepEqual(toSettingsInput('primary', { coldStartAlone: false }).pair, {
      coldStartAlone: false,
    })
  })
})

describe('a contact on the command line', () => {
  it('has all levels unless some are named', () => {
    assert.deepEqual(parseContact('Ann Archer <ann@example.com>'), {
      name: 'Ann Archer',
      email: 'ann@example.com',
      levels: ['information', 'warning', 'alert'],
    })
    assert.deepEqual(parseContact('Ann <ann@example.com>:warning, alert')['levels'], [
      'warning',
      'alert',
    ])
  })

  for (const wrong of ['', 'ann@example.com', 'Ann <ann', 'Ann <a@b> alert', 'Ann ann@b>'])
    it(`is refused as ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => parseContact(wrong), /Write 'Name <mail>'/)
    })
})
