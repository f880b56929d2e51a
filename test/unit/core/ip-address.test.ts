import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import fc from 'fast-check'
import {
  isInSubnet,
  isReservedInSubnet,
  isSameAddress,
  parseIpAddress,
} from '../../../plugin/core/ip-address.ts'

describe('parseIpAddress', () => {
  it('reads what Node reads, and nothing else', () => {
    const texts = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
      fc.stringMatching(/^(\d{1,3}\.){3}\d{1,3}$/),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const expected = isIP(text)
        const family = parseIpAddress(text)?.family
        assert.equal(family === 'ipv4' ? 4 : family === 'ipv6' ? 6 : 0, expected, text)
      }),
      { numRuns: 2000 },
    )
  })

  it('refuses what only looks like an address', () => {
    for (const text of [
      '',
      '1.2.3',
      '01.2.3.4',
      '1.2.3.256',
      ' 1.2.3.4',
      'fe80::1%eth0',
      '1::2::3',
      ':::',
      '1:2:3:4:5:6:7:8:9',
    ])
      assert.equal(parseIpAddress(text), null, text)
  })
})

describe('subnets', () => {
  it('compares the bits of the prefix', () => {
    assert.equal(isInSubnet('192.168.1.10', '192.168.1.200', 24), true)
    assert.equal(isInSubnet('192.168.2.10', '192.168.1.200', 24), false)
    assert.equal(isInSubnet('192.168.2.10', '192.168.1.200', 22), true)
    assert.equal(isInSubnet('10.0.0.130', '10.0.0.1', 25), false)
    assert.equal(isInSubnet('fd00:1::5', 'fd00:1::99', 64), true)
    assert.equal(isInSubnet('fd00:2::5', 'fd00:1::99', 32), false)
    assert.equal(isInSubnet('192.168.1.10', 'fd00::1', 8), false)
  })

  it('knows an address in another spelling', () => {
    assert.equal(isSameAddress('fd00:0:0::A', 'FD00::a'), true)
    assert.equal(isSameAddress('::ffff:1.2.3.4', '::ffff:102:304'), true)
    assert.equal(isSameAddress('1.2.3.4', '::ffff:1.2.3.4'), false)
  })

  it('knows network and broadcast address', () => {
    assert.equal(isReservedInSubnet('192.168.1.0', 24), true)
    assert.equal(isReservedInSubnet('192.168.1.255', 24), true)
    assert.equal(isReservedInSubnet('192.168.0.255', 23), false)
    assert.equal(isReservedInSubnet('192.168.1.1', 31), false)
    assert.equal(isReservedInSubnet('fd00::', 64), false)
  })
})
