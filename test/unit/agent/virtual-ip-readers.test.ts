import assert from 'node:assert/strict'
import {
  foreignEntry,
  readAddressEntries,
} from '../../../plugin/agent/virtual-ip/address-entries.ts'
import { readArping } from '../../../plugin/agent/virtual-ip/arping.ts'
import { createKernelVirtualIp } from '../../../plugin/agent/virtual-ip/kernel-driver.ts'
import { readNeighbour } from '../../../plugin/agent/virtual-ip/neighbours.ts'

describe('what arping printed', () => {
  it('is free only when it asked and nobody answered', () => {
    const printed =
      'ARPING 10.0.0.9 from 0.0.0.0 eth0\nSent 1 probes (1 broadcast(s))\nReceived 0 response(s)\n'
    assert.deepEqual(readArping(printed), { sent: 1, hardware: null })
  })

  it('names who answered', () => {
    const printed =
      'ARPING 10.0.0.9 from 0.0.0.0 eth0\nUnicast reply from 10.0.0.9 [02:AB:CD:00:00:01]  0.632ms\nSent 1 probes (1 broadcast(s))\nReceived 1 response(s)\n'
    assert.deepEqual(readArping(printed), { sent: 1, hardware: '02:ab:cd:00:00:01' })
  })

  it('is no answer at all after a usage error, without rights, or when it was killed', () => {
    for (const printed of [
      '',
      'Usage:\n  arping [options] <destination>\n',
      'arping: socket: Operation not permitted\n',
      'ARPING 10.0.0.9 from 0.0.0.0 eth0\n',
      'Sent 0 probes (0 broadcast(s))\nReceived 0 response(s)\n',
    ])
      assert.equal(readArping(printed), null, printed)
  })
})

describe('what ip printed of neighbours', () => {
  it('has hardware address and state, or the state alone', () => {
    assert.deepEqual(readNeighbour('10.0.0.1 dev eth0 lladdr 02:AA:00:00:00:01 REACHABLE \n'), {
      hardware: '02:aa:00:00:00:01',
      state: 'REACHABLE',
    })
    assert.deepEqual(readNeighbour('10.0.0.1 dev eth0 FAILED \n'), {
      hardware: null,
      state: 'FAILED',
    })
    assert.deepEqual(readNeighbour('fe80::1 dev eth0 lladdr 02:aa:00:00:00:01 router STALE \n'), {
      hardware: '02:aa:00:00:00:01',
      state: 'STALE',
    })
    assert.equal(readNeighbour(''), null)
  })
})

describe('what ip printed of the virtual IP', () => {
  const own = { interfaceName: 'eth0', prefixLength: 32, held: false }
  const leased =
    '2: eth0    inet 10.0.0.9/32 scope global dynamic eth0\\       valid_lft 2sec preferred_lft 2sec\n'
  const lasting =
    '2: eth0    inet 10.0.0.9/32 scope global eth0\\       valid_lft forever preferred_lft forever\n'

  it('tells a lease from an address for ever, in both families', () => {
    const v6 =
      '2: eth0    inet6 fd00::9/128 scope global dynamic nodad deprecated \\       valid_lft 29sec preferred_lft 0sec\n'
    assert.deepEqual(readAddressEntries(leased + lasting + v6), [
      { interfaceName: 'eth0', prefixLength: 32, remainingSeconds: 2 },
      { interfaceName: 'eth0', prefixLength: 32, remainingSeconds: null },
      { interfaceName: 'eth0', prefixLength: 128, remainingSeconds: 29 },
    ])
    assert.deepEqual(readAddressEntries(''), [])
  })

  it('is ours to adopt when it is a lease of our form on our interface, and nothing else is', () => {
    assert.equal(foreignEntry(readAddressEntries(leased), own), null)
    assert.equal(foreignEntry([], own), null)
    assert.notEqual(foreignEntry(readAddressEntries(lasting), own), null)
    assert.equal(foreignEntry(readAddressEntries(lasting), { ...own, held: true }), null)
    assert.notEqual(
      foreignEntry(readAddressEntries(leased), { ...own, interfaceName: 'eth1' }),
      null,
    )
    assert.notEqual(
      foreignEntry(readAddressEntries(lasting.replace('/32', '/24')), { ...own, held: true }),
      null,
    )
  })
})

describe('the kernel driver', () => {
  it('refuses names that would be further commands', () => {
    const good = { address: '10.0.0.9', interfaceName: 'eth0', peerAddress: null }
    for (const wrong of [
      { interfaceName: 'eth0 valid_lft forever' },
      { interfaceName: 'eth0\nlink delete eth0' },
      { interfaceName: '' },
      { address: '10.0.0.9\nlink delete eth0' },
      { address: 'pbx.example' },
    ])
      assert.throws(() => createKernelVirtualIp({ ...good, ...wrong }), {
        code: 'HS_SETTINGS_INVALID',
      })
  })
})
