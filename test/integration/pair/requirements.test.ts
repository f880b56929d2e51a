import assert from 'node:assert/strict'
import { type AgentPair, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

type Facts = Parameters<AgentPair['secondary']['sayFacts']>[0]

/** What the platform of the secondary says while the pair runs, and the requirements that this breaks. */
const WAVES: readonly { readonly said: Facts; readonly broken: readonly string[] }[] = [
  {
    said: {
      serialNumber: 'T-other',
      plan: 'Basic',
      firmwareVersion: '83.7.0.1',
      minimumFirmwareVersion: '84.0.0.1',
      capacity: { extensions: 50, concurrentCalls: 15 },
      network: { isStatic: false, isDefault: false, kind: 'vpn', prefixLength: 16 },
    },
    broken: [
      'samePlan',
      'sameExtensions',
      'sameConcurrentCalls',
      'sameFirmware',
      'minimumFirmware',
      'staticAddress',
      'sameSubnet',
      'lanDefaultInterface',
      'noVpn',
      'expectedSerialNumber',
    ],
  },
  {
    said: {
      serialNumber: 'T-primary',
      network: { family: 'ipv6', address: 'fd00::2', prefixLength: 64 },
    },
    broken: [
      'sameAddressFamily',
      'sameSubnet',
      'expectedSerialNumber',
      'differentSerialNumber',
      'virtualIpInSubnet',
    ],
  },
]

describe('requirements of a running pair', function () {
  this.timeout(60_000)
  let pair: AgentPair

  before(async () => {
    pair = await startAgentPair({
      ddl: 'create table extension (number text primary key, name text)',
      factsCommand: true,
    })
    await pair.primary.client.saveSettings({ server: { expectedPeerSerialNumber: 'T-secondary' } })
  })
  after(() => pair.close())

  const unmet = async (): Promise<readonly string[]> =>
    (await pair.primary.client.status()).blockers
      .map(({ id }) => id)
      .filter((id) => id.startsWith('requirement:'))
      .map((id) => id.replace('requirement:', ''))
  const untilUnmet = (expected: readonly string[]): Promise<void> =>
    waitUntil(
      `unmet: ${expected.join(', ') || 'none'}`,
      async () => {
        const found = await unmet()
        return found.length === expected.length && expected.every((id) => found.includes(id))
      },
      30_000,
    )

  for (const { said, broken } of WAVES) {
    it(`become blockers with their remedies, and go again: ${broken.join(', ')}`, async () => {
      await pair.secondary.sayFacts(said)
      await untilUnmet(broken)
      const { blockers, health, requirements } = await pair.primary.client.status()
      assert.notEqual(health.word, 'healthy')
      for (const id of broken) {
        const blocker = blockers.find((one) => one.id === `requirement:${id}`)
        assert.match(blocker?.reason ?? '', /^a requirement is not met: .*\(here .+, peer .+\)$/)
        assert.ok(blocker?.remedy)
        assert.equal(requirements.find((one) => one.id === id)?.met, false)
      }
      await pair.secondary.sayFacts({})
      await untilUnmet([])
    })
  }

  it('become a blocker when the databases get different tables', async () => {
    await pair.secondary.sql('alter table extension add column mail text')
    await untilUnmet(['sameSchema'])
    await pair.primary.sql('alter table extension add column mail text')
    await untilUnmet([])
    await pair.whole()
  })
})
