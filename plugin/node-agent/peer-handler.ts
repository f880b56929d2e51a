import { countActiveCalls } from '../agent/services.ts'
import { HotStandbyError } from '../errors.ts'
import type { PeerHandler } from '../ports.ts'
import { connectLocalDatabase, databaseAccess } from './local-database.ts'
import { TOLD_BY_PEER } from './mail-policy.ts'
import { drillHere } from './drill.ts'
import type { NodeContext } from './node-context.ts'
import { buildStatus } from './status.ts'
import { settleUnsent } from './unsent-api.ts'
import { takeOverForPeer } from './switch-over.ts'

const ANSWER_FIRST_MS = 100

/** What the peer may ask of this server over the TLS channel. */
export function createPeerHandler(node: () => NodeContext): PeerHandler {
  return {
    async hello(input) {
      const { exchange, hello } = node()
      exchange.heard(input)
      return hello()
    },
    async acknowledge(position) {
      node().acknowledged.take(position)
      return Promise.resolve()
    },
    role() {
      const { name, shared } = node().loop.view().state
      return Promise.resolve({ state: name, term: shared.term })
    },
    currentPosition: async () => node().engine.currentPosition(),
    databaseAccess: async () => Promise.resolve(databaseAccess(node().config.database)),
    connectDatabase: async () => connectLocalDatabase(node().config.database),
    handOver: async ({ requestId, newTerm }) => node().loop.handOver(requestId, newTerm),
    takeOver: async () => takeOverForPeer(node()),
    activeCalls: async () => ({ calls: await countActiveCalls(node().config.services) }),
    drill: ({ by }) => drillHere(node(), by, () => undefined),
    unsent: async () => ({ changes: await node().engine.unsent.list() }),
    settleUnsent: async (input) => node().engine.unsent.settle(input),
    resolveUnsent: async ({ by, ...input }) => settleUnsent(node(), input, by),
    release: async ({ requestId, newTerm }) => node().loop.release(requestId, newTerm),
    async abortHandOver({ requestId, reason }) {
      node().loop.abortHandOver(requestId, reason)
      return Promise.resolve()
    },
    events: async (query) => ({ events: await node().history.list(query) }),
    status: async () => Promise.resolve(buildStatus(node())),
    check: async (options) => node().engine.check(options),
    resynchronise: async () => node().engine.resynchronise(),
    shareOutbox: async (input) => node().notifier.share(input),
    unpair() {
      const { peer, history, logger } = node()
      if (peer.record() === null) return Promise.reject(new HotStandbyError('HS_NOT_PAIRED'))
      // After the answer: forgetting the peer closes its connections, this one too.
      setTimeout(() => {
        peer.forget().then(
          () =>
            history.record({
              kind: 'unpaired',
              reason: 'the other server left the pair',
              data: TOLD_BY_PEER,
            }),
          (error: unknown) => logger.error({ err: error }, 'the peer could not be forgotten'),
        )
      }, ANSWER_FIRST_MS)
      return Promise.resolve()
    },
  }
}
