import { isDeepStrictEqual } from 'node:util'
import type { ChannelServer } from '../channel/channel-server.ts'
import type { ClosablePeerClient } from '../channel/peer-client.ts'
import type { PeerRecord, VirtualIpDriver } from '../ports.ts'
import type { NodeContext } from './node-context.ts'
import type { StoreChanges } from './open-stores.ts'
import { makeVirtualIpDriver } from './virtual-ip-driver.ts'
import type { StoredSettings } from './settings-store.ts'

export interface ChangeTargets {
  readonly node: NodeContext
  readonly channel: ChannelServer
  readonly client: ClosablePeerClient
  readonly useDriver: (driver: VirtualIpDriver | null) => Promise<void>
}

/** Applies changes to the running parts. */
export function createChanges({ node, channel, client, useDriver }: ChangeTargets): StoreChanges {
  let addressed = addressOf(node.settings.current(), node.peer.record())

  const renewDriver = async (): Promise<void> => {
    const next = addressOf(node.settings.current(), node.peer.record())
    if (isDeepStrictEqual(next, addressed)) return
    addressed = next
    const { config, settings, peer, logger } = node
    await useDriver(makeVirtualIpDriver(config, settings, peer.record(), logger))
  }
  return {
    async settings({ server, pair }) {
      node.facts.expire()
      if (pair !== null) node.loop.setSettings(pair)
      if (server !== null && node.peer.record() === null) node.loop.setIdentity(server.identity)
      await renewDriver()
    },
    async peer(record) {
      channel.dropStrangers()
      node.link.setPeer(heartbeatPeer(record))
      await renewDriver()
      node.loop.setPaired(record !== null, record?.startsPair)
      if (record !== null) return
      channel.dropTunnels()
      client.disconnect()
      await node.engine.standAlone({ forget: true })
    },
  }
}

/** Where heartbeats go, and the key that makes them believed. */
export function heartbeatPeer(
  record: PeerRecord | null,
): { readonly address: string; readonly port: number; readonly key: Buffer } | null {
  if (record === null) return null
  return { address: record.address, port: record.port, key: Buffer.from(record.pairKey, 'base64') }
}

/** All that the virtual IP driver is made for. */
function addressOf(
  { pair, server }: StoredSettings,
  peer: PeerRecord | null,
): readonly (string | number | undefined)[] {
  const { address, prefixLength } = pair?.virtualIp ?? {}
  return [address, prefixLength, server?.networkInterface, peer?.address]
}
