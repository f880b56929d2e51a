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
})
