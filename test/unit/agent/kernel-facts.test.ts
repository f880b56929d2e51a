import assert from 'node:assert/strict'
import { toNetworkFacts, type DefaultRoutes } from '../../../plugin/agent/kernel-facts.ts'

type Link = Parameters<typeof toNetworkFacts>[0]

const routes: DefaultRoutes = { ipv4: [{ dst: 'default', dev: 'eth0', metric: 100 }], ipv6: [] }
const ipv4 = { family: 'inet', local: '192.168.1.10', prefixlen: 24, scope: 'global' } as const
const linkLocal = { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' } as const
const lease = { ...ipv4, local: '192.168.1.50', prefixlen: 32, dynamic: true } as const
const link = (given: Partial<Link> = {}): Link => ({
  ifname: 'eth0',
  link_type: 'ether',
  addr_info: [linkLocal, ipv4],
  ...given,
})

describe('network facts from the kernel', () => {
  it('takes the static address of the LAN', () => {
    assert.deepEqual(toNetworkFacts(link(), routes), {
      interfaceName: 'eth0',
      address: '192.168.1.10',
      prefixLength: 24,
      family: 'ipv4',
      isStatic: true,
      isDefault: true,
      kind: 'lan',
    })
  })

  it('never takes a virtual IP for the server’s own address', () => {
    const held = link({ addr_info: [lease, ipv4] })
    assert.equal(toNetworkFacts(held, routes)?.address, '192.168.1.10')
    const same = link({ addr_info: [{ ...ipv4, local: '192.168.1.50' }, ipv4] })
    assert.equal(toNetworkFacts(same, routes, ['192.168.1.50'])?.address, '192.168.1.10')
    assert.equal(toNetworkFacts(link({ addr_info: [lease] }), routes), null)
  })

  it('tells an address of DHCP from a static one, and prefers the static one', () => {
    const dhcp = { ...ipv4, local: '192.168.1.99', dynamic: true }
    assert.equal(toNetworkFacts(link({ addr_info: [dhcp] }), routes)?.isStatic, false)
    assert.equal(toNetworkFacts(link({ addr_info: [dhcp, ipv4] }), routes)?.address, ipv4.local)
  })

  it('prefers a lasting IPv6 address to a temporary one', () => {
    const lasting = { family: 'inet6', local: 'fd00::1', prefixlen: 64, scope: 'global' } as const
    const temporary = { ...lasting, local: 'fd00::77', dynamic: true, temporary: true }
    const facts = toNetworkFacts(link({ addr_info: [linkLocal, temporary, lasting] }), {
      ipv4: [],
      ipv6: [{ dst: 'default', dev: 'eth0', metric: 1024 }],
    })
    assert.equal(facts?.address, 'fd00::1')
    assert.equal(facts?.family, 'ipv6')
    assert.equal(facts?.isDefault, true)
  })

  it('is not the default interface when another route has the lower metric', () => {
    const two = [...routes.ipv4, { dst: 'default', dev: 'wlan0', metric: 50 }]
    assert.equal(toNetworkFacts(link(), { ipv4: two, ipv6: [] })?.isDefault, false)
    assert.equal(toNetworkFacts(link(), { ipv4: [], ipv6: [] })?.isDefault, false)
  })

  it('knows VPN interfaces by their kind', () => {
    for (const kind of ['wireguard', 'tun', 'ppp', 'gre'])
      assert.equal(toNetworkFacts(link({ linkinfo: { info_kind: kind } }), routes)?.kind, 'vpn')
    assert.equal(toNetworkFacts(link({ link_type: 'none' }), routes)?.kind, 'vpn')
    for (const kind of ['bridge', 'bond', 'vlan', 'veth'])
      assert.equal(toNetworkFacts(link({ linkinfo: { info_kind: kind } }), routes)?.kind, 'lan')
    assert.equal(toNetworkFacts(link({ link_type: 'loopback' }), routes)?.kind, 'other')
  })
})
