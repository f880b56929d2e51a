import { createAccessCodes } from '../channel/access-codes.ts'
import { type ChannelServer, startChannelServer } from '../channel/channel-server.ts'
import { createPairing } from '../channel/pairing.ts'
import type { Closers } from './closers.ts'
import type { NodeContext } from './node-context.ts'
import { createPairingHandler } from './pairing.ts'
import { createPeerHandler } from './peer-handler.ts'

export interface OpenChannel {
  readonly channel: ChannelServer
  /** Makes the one access code that a secondary may join with now. */
  readonly makeAccessCode: ReturnType<typeof createAccessCodes>['make']
}

/** Listens for the peer, and for a secondary that wants to become the peer. */
export async function openChannel(node: NodeContext, opened: Closers): Promise<OpenChannel> {
  const { config, identity, peer, history, logger } = node
  const codes = createAccessCodes({ fingerprint: identity.fingerprint })
  const channel = await startChannelServer({
    listen: config.listen,
    identity,
    peer: () => peer.record(),
    handler: createPeerHandler(() => node),
    pairing: createPairing({
      identity,
      codes,
      handler: createPairingHandler(() => node),
      onRefused: ({ remote, reason }) =>
        history.record({ kind: 'pairingRefused', reason: `${remote}: ${reason}` }),
      logger,
    }),
    logger,
  })
  opened.push(() => channel.close())
  return { channel, makeAccessCode: () => codes.make() }
}
