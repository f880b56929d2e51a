import { createFactsProvider } from '../agent/facts-provider.ts'
import { readFreeDiskBytes } from '../agent/kernel-facts.ts'
import { type ClosablePeerClient, createPeerClient } from '../channel/peer-client.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import type { Logger } from '../logger.ts'
import { createHistory, type FileHistory } from '../notification/history.ts'
import type { ReplicationEngine } from '../ports.ts'
import { createReplicationEngine } from '../replication/engine.ts'
import { exclusionsOf } from './apply-exclusions.ts'
import type { Closers } from './closers.ts'
import { createFactsSource, type FactsSource } from './facts.ts'
import type { Stores } from './open-stores.ts'

/** Where the agent gets from what it does not know itself: database, peer, platform; and the history it writes. */
export interface Sources {
  readonly engine: ReplicationEngine
  readonly client: ClosablePeerClient
  readonly facts: FactsSource
  readonly history: FileHistory
  /** As set up, else as the platform says; empty while neither is known. */
  readonly hostName: () => string
}

/** Connects to nobody yet: database and peer are opened when the agent starts to need them. */
export async function openSources(
  config: AgentConfig,
  { serverId, identity, settings, peer }: Stores,
  logger: Logger,
  opened: Closers,
): Promise<Sources> {
  const { database, stateDirectory } = config
  const engine = createReplicationEngine({ config: database, serverId, logger })
  opened.push(() => engine.close())
  const client = createPeerClient({ identity, peer: () => peer.record() })
  opened.push(() => client.disconnect())
  const virtualIp = (): readonly string[] => {
    const { pair } = settings.current()
    return pair === null ? [] : [pair.virtualIp.address]
  }
  const facts = createFactsSource(
    createFactsProvider(config, { exceptAddresses: virtualIp }),
    { databaseFacts: () => engine.databaseFacts(exclusionsOf(settings)) },
    () => readFreeDiskBytes(stateDirectory),
    logger,
  )
  const hostName = (): string => settings.current().server?.hostName ?? facts.last()?.hostName ?? ''
  const history = await createHistory({
    stateDirectory,
    server: () => ({ serverId, hostName: hostName() }),
    logger,
  })
  opened.push(() => history.close())
  return { engine, client, facts, history, hostName }
}
