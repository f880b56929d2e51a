import assert from 'node:assert/strict'
import type { HistoryEntry } from '../../../plugin/api/status-document.ts'
import { silentLogger } from '../../../plugin/logger.ts'
import { createPeerExchange } from '../../../plugin/node-agent/peer-exchange.ts'
import type { PeerClient, PeerHello } from '../../../plugin/ports.ts'
import { eventually, helloOf } from '../../support/channel.ts'

describe('what the peer says of itself', () => {
  it('is recorded when the firmware begins to differ, and when it is the same again', async () => {
    const own = helloOf('server-a')
    const recorded: { readonly kind: HistoryEntry['kind']; readonly reason: string }[] = []
    const exchange = createPeerExchange({
      client: {} as PeerClient,
      paired: () => true,
      hello: () => Promise.resolve(own),
      serverSettings: () => own.server,
      pairSettings: () => null,
      adopt: () => assert.fail('there is nothing to adopt'),
      history: { record: (entry) => recorded.push(entry) },
      logger: silentLogger,
    })
    const withFirmware = (firmwareVersion: string): PeerHello => {
      const peer = helloOf('server-b')
      return { ...peer, facts: { ...peer.facts, firmwareVersion } }
    }
    const firmware = () =>
      recorded.filter(({ reason }) => /firmware/i.test(reason)).map(({ kind }) => kind)
    exchange.heard(withFirmware('84.0.0.1'))
    await eventually('it is recorded', () => firmware().length === 1)
    exchange.heard(withFirmware('84.0.0.1'))
    exchange.heard(withFirmware(own.facts.firmwareVersion))
    await eventually('the end is recorded', () => firmware().length === 2)
    assert.deepEqual(firmware(), ['firmwareDiffers', 'requirementMet'])
    const { reason } = recorded.find(({ kind }) => kind === 'firmwareDiffers') ?? { reason: '' }
    assert.match(reason, /83\.6\.0\.24.*84\.0\.0\.1/)
  })

  it('compares the clocks of the moment at which it arrived, however long our own facts take to read', async () => {
    const own = helloOf('server-a')
    const read = { ...own, facts: { ...own.facts, clockMs: Date.now() + 60_000 } }
    const exchange = createPeerExchange({
      client: {} as PeerClient,
      paired: () => true,
      hello: () => Promise.resolve(read),
      serverSettings: () => own.server,
      pairSettings: () => null,
      adopt: () => assert.fail('there is nothing to adopt'),
      history: { record: () => undefined },
      logger: silentLogger,
    })
    const isMetWith = async (offsetMs: number): Promise<boolean | undefined> => {
      const peer = helloOf('server-b')
      const before = exchange.knowledge()
      exchange.heard({ ...peer, facts: { ...peer.facts, clockMs: Date.now() + offsetMs } })
      await eventually('it is compared', () => exchange.knowledge() !== before)
      return exchange.knowledge().requirements.find(({ id }) => id === 'clockDifference')?.met
    }
    assert.equal(await isMetWith(0), true)
    assert.equal(await isMetWith(-3_600_000), false)
    assert.equal(await isMetWith(3_600_000), false)
  })
})
