import assert from 'node:assert/strict'
import { checkRequirements } from '../../../plugin/core/check-requirements.ts'
import type { NetworkFacts, ServerFacts } from '../../../plugin/core/facts.ts'
import type { RequirementId } from '../../../plugin/core/requirements.ts'

const own: ServerFacts = {
  productName: 'PBX',
  hostName: 'pbx-1',
  serialNumber: 'S1',
  plan: 'enterprise',
  firmwareVersion: '83.6.0.24',
  minimumFirmwareVersion: '83.6.0.24',
  capacity: { extensions: 100, concurrentCalls: 25 },
  network: {
    interfaceName: 'eth0',
    address: '192.168.1.11',
    prefixLength: 24,
    family: 'ipv4',
    isStatic: true,
    isDefault: true,
    kind: 'lan',
  },
  postgresVersion: 150_004,
  schemaFingerprint: 'abc',
  freeDiskBytes: 10 * 1024 ** 3,
  clockMs: 1_700_000_000_000,
  packageVersion: '1.0.0',
  gateProblem: null,
  witness: 'office at https://192.168.1.3:2379',
}
const peer: ServerFacts = {
  ...own,
  hostName: 'pbx-2',
  serialNumber: 'S2',
  network: { ...own.network, address: '192.168.1.12' },
}
const settings = {
  server: { expectedPeerSerialNumber: 'S2' },
  pair: { virtualIp: { address: '192.168.1.10', prefixLength: 24, gate: true } },
}

describe('checkRequirements', () => {
  it('meets all with two like servers', () => {
    const unmet = checkRequirements(own, peer, settings).filter((result) => !result.met)
    assert.deepEqual(unmet, [])
  })

  const net = (changed: Partial<NetworkFacts>): Partial<ServerFacts> => ({
    network: { ...peer.network, ...changed },
  })
  const cases: readonly (readonly [RequirementId, Partial<ServerFacts>, boolean?])[] = [
    ['samePlan', { plan: 'basic' }],
    ['sameExtensions', { capacity: { extensions: 50, concurrentCalls: 25 } }],
    ['sameConcurrentCalls', { capacity: { extensions: 100, concurrentCalls: 50 } }],
    ['sameFirmware', { firmwareVersion: '83.6.0.25' }],
    ['sameAddressFamily', net({ family: 'ipv6', address: 'fd00::1', prefixLength: 64 })],
    ['staticAddress', net({ isStatic: false })],
    ['sameSubnet', net({ address: '192.168.2.12' })],
    ['sameSubnet', net({ prefixLength: 25 })],
    ['sameSubnet', net({ address: '192.168.1.11' })],
    ['lanDefaultInterface', net({ isDefault: false })],
    ['noVpn', net({ kind: 'vpn' })],
    ['expectedSerialNumber', { serialNumber: 'S3' }],
    ['differentSerialNumber', { serialNumber: 'S1' }],
    ['virtualIpDistinct', net({ address: '192.168.1.10' })],
    ['gateUsable', { gateProblem: 'nft was not found' }],
    ['gateUsable', { gateProblem: undefined }],
    ['sameWitness', { witness: null }, false],
    ['sameWitness', { witness: 'office at https://192.168.1.4:2379' }, false],
    ['sameSchema', { schemaFingerprint: 'abd' }],
    ['samePackageVersion', { packageVersion: '1.0.1' }, false],
    ['clockDifference', { clockMs: own.clockMs + 2001 }],
    ['freeDisk', { freeDiskBytes: 1024 ** 2 }],
    ['postgresVersion', { postgresVersion: 140_011 }],
    ['postgresVersion', { postgresVersion: 190_000 }],
  ]
  for (const [id, changed, mandatory = true] of cases)
    it(`names ${id} for ${JSON.stringify(changed).slice(0, 60)}`, () => {
      const result = resultOf(id, { ...peer, ...changed })
      assert.equal(result.met, false)
      assert.equal(result.mandatory, mandatory)
      assert.ok(result.remedy.length > 0 && result.own.length > 0 && result.peer.length > 0)
    })

  it('compares versions by number, not by letter', () => {
    const older = { ...peer, firmwareVersion: '83.6.0.9' }
    assert.equal(resultOf('minimumFirmware', older).met, false)
    assert.equal(resultOf('minimumFirmware', { ...peer, firmwareVersion: '83.10.0.0' }).met, true)
    assert.equal(resultOf('sameFirmware', { ...peer, firmwareVersion: '083.6.0.24.0' }).met, true)
  })

  it('checks a virtual IP outside the subnet, and at its edge', () => {
    for (const address of ['192.168.2.10', '192.168.1.255', '192.168.1.0', 'fd00::1']) {
      const results = checkRequirements(own, peer, {
        ...settings,
        pair: { virtualIp: { address, prefixLength: 24 } },
      })
      assert.equal(results.find(({ id }) => id === 'virtualIpInSubnet')?.met, false, address)
    }
  })

  it('asks for no gate where none is set, and for no witness of a version that says none', () => {
    const older = { ...peer, gateProblem: undefined, witness: undefined }
    const pair = { virtualIp: { ...settings.pair.virtualIp, gate: false } }
    const unmet = checkRequirements(own, older, { ...settings, pair }).filter(({ met }) => !met)
    assert.deepEqual(unmet, [])
  })

  it('asks nothing of settings that are not known yet', () => {
    const results = checkRequirements(own, peer, { server: null, pair: null })
    assert.ok(results.every((result) => result.met))
  })
})

function resultOf(id: RequirementId, facts: ServerFacts) {
  return checkRequirements(own, facts, settings).find((result) => result.id === id)!
}
