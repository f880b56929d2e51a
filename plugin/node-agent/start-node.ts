import { startApiServer } from '../agent/api-server.ts'
import { createServiceManager } from '../agent/service-manager.ts'
import { createAgentApi } from './agent-api.ts'
import { createChanges, heartbeatPeer } from './apply-changes.ts'
import { buildContext } from './build-context.ts'
import { toHotStandbyError } from '../errors.ts'
import type { Closers } from './closers.ts'
import { openDatabase } from './database-link.ts'
import { openChannel } from './open-channel.ts'
import { type LoopOptions, openLoop } from './open-loop.ts'
import { openSources } from './open-sources.ts'
import { openStores, type StoreChanges } from './open-stores.ts'
import { notificationsOf } from './mail-policy.ts'
import { startPairWatch, watchLimits } from './pair-watch.ts'
import { buildStatus } from './status.ts'

export type NodeStartOptions = LoopOptions

/**
 * Puts one agent together and starts it, in the order in which the parts need each other. `opened` gets what must be
 * closed again, newest last, also when a later part fails.
 */
export async function startNode(options: NodeStartOptions, opened: Closers): Promise<void> {
  const { config, logger } = options
  // Stores are opened before the parts that their changes concern.
  const late: { changes: StoreChanges | null } = { changes: null }
  const stores = await openStores(
    config.stateDirectory,
    {
      settings: async (next) => late.changes?.settings(next),
      peer: async (record) => late.changes?.peer(record),
    },
    opened,
  )
  const sources = await openSources(config, stores, logger, opened)
  sources.history.record({ kind: 'agentStarted', reason: `process ${process.pid}` })
  opened.push(() =>
    sources.history.record({ kind: 'agentStopped', reason: `process ${process.pid}` }),
  )
  const parts = await openLoop(options, stores, sources, opened)
  const { node, hub } = await buildContext({ config, logger, stores, sources, parts }, opened)
  const { channel, makeAccessCode } = await openChannel(node, opened)
  const { client } = sources
  const { link, loop, virtualIp } = parts
  late.changes = createChanges({ node, channel, client, useDriver: (next) => virtualIp.use(next) })
  link.setPeer(heartbeatPeer(stores.peer.record()))

  const api = await startApiServer({
    socketPath: config.socketPath,
    api: createAgentApi({ node, makeAccessCode }),
    subscribe: (listener) => hub.subscribe(listener),
    logger,
  })
  opened.push(() => api.close())
  const database = openDatabase(sources.engine, loop, sources.history, logger)
  opened.push(() => database.stop())
  await database.firstTry
  // The set-up page shows them before there is a pair that asks for them.
  await sources.facts.read().catch((error: unknown) => {
    logger.warn({ reason: toHotStandbyError(error).message }, 'the facts could not be read yet')
  })
  await loop.start()
  opened.push(() => loop.stop())
  node.exchange.start()
  const watch = await startPairWatch({
    status: () => buildStatus(node),
    history: sources.history,
    limits: () => watchLimits(notificationsOf(stores.settings)),
  })
  opened.push(() => watch.stop())
  const manager = createServiceManager(process.env, logger)
  await manager.ready()
  opened.push(() => manager.stopping())
  const { serverId } = stores
  logger.info({ serverId, socketPath: config.socketPath, port: channel.port }, 'the agent runs')
}
