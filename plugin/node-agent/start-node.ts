import { type AgentLoop, createAgentLoop } from '../agent/agent-loop.ts'
import { acquireAgentLock } from '../agent/agent-lock.ts'
import type { DataPort } from '../agent/agent-ports.ts'
import { startApiServer } from '../agent/api-server.ts'
import { createFactsProvider } from '../agent/facts-provider.ts'
import { createHeartbeatLink } from '../agent/heartbeat-link.ts'
import { readFreeDiskBytes } from '../agent/kernel-facts.ts'
import { createServices } from '../agent/services.ts'
import { openServerId, openStateDirectory } from '../agent/state-directory.ts'
import { createStateStore } from '../agent/state-store.ts'
import { createSystemClock } from '../agent/system-clock.ts'
import { createReplaceableVirtualIp } from '../agent/virtual-ip/replaceable-driver.ts'
import { createAccessCodes } from '../channel/access-codes.ts'
import { startChannelServer } from '../channel/channel-server.ts'
import { createPairing } from '../channel/pairing.ts'
import { createPeerClient } from '../channel/peer-client.ts'
import { loadTlsIdentity } from '../channel/tls-identity.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import type { ServerFacts } from '../core/facts.ts'
import { HotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { createHistory } from '../notification/history.ts'
import type { MailServer } from '../notification/mail-text.ts'
import { createNotifier } from '../notification/notifier.ts'
import type { PeerClient, PeerHello, ReplicationEngine } from '../ports.ts'
import { createReplicationEngine } from '../replication/engine.ts'
import { createAcknowledged } from './acknowledged.ts'
import { createAgentApi } from './agent-api.ts'
import { type Changes, createChanges, heartbeatPeer } from './apply-changes.ts'
import { openDatabase } from './database-link.ts'
import { createFactsSource, type FactsSource } from './facts.ts'
import { openLastTakeOver } from './last-take-over.ts'
import { mailPolicy } from './mail-policy.ts'
import type { NodeContext, PeerState } from './node-context.ts'
import { createOperations } from './operations.ts'
import { createPairingHandler } from './pairing.ts'
import { createPeerExchange } from './peer-exchange.ts'
import { createPeerHandler } from './peer-handler.ts'
import { passOnReplication } from './pass-on-replication.ts'
import { openPeerState } from './peer-state.ts'
import { replicationSource } from './replication-source.ts'
import { openSettingsStore, type SettingsStore } from './settings-store.ts'
import { buildStatus } from './status.ts'
import { createStatusHub } from './status-hub.ts'
import { makeVirtualIpDriver } from './virtual-ip-driver.ts'

/** How long a hand-over waits for writers that are under way, and for the standby to apply the last changes. */
const WRITERS_IN_FLIGHT_MS = 5000
const FINAL_APPLY_MS = 15_000

export interface NodeStartOptions {
  readonly config: AgentConfig
  readonly logger: Logger
  /** A broken invariant: the address was let go, and the process should end. */
  readonly onFatal: (error: Error) => void
}

/**
 * Puts one agent together and starts it, in the order in which the parts need each other. `opened` gets what must be
 * closed again, newest last, also when a later part fails.
 */
export async function startNode(
  { config, logger, onFatal }: NodeStartOptions,
  opened: (() => Promise<unknown>)[],
): Promise<void> {
  const { stateDirectory } = config
  await openStateDirectory(stateDirectory)
  const lock = await acquireAgentLock(stateDirectory)
  opened.push(() => lock.release())
  const serverId = await openServerId(stateDirectory)
  const identity = await loadTlsIdentity(stateDirectory)

  // Stores are opened before the parts that their changes concern.
  const late: { changes: Changes | null } = { changes: null }
  const settings = await openSettingsStore(stateDirectory, async (next) =>
    late.changes?.settings(next),
  )
  const peer = await openPeerState(stateDirectory, async (record) => late.changes?.peer(record))
  const facts: FactsSource = createFactsSource(
    createFactsProvider(config, { exceptAddresses: () => virtualIpOf(settings) }),
    { databaseFacts: () => engine.databaseFacts() },
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
  history.record({ kind: 'agentStarted', reason: `process ${process.pid}` })

  const engine = createReplicationEngine({ config: config.database, serverId, logger })
  opened.push(() => engine.close())
  const client = createPeerClient({ identity, peer: () => peer.record() })
  opened.push(() => {
    client.disconnect()
    return Promise.resolve()
  })

  const clock = createSystemClock()
  const link = createHeartbeatLink({ ...config.listen, clock, logger })
  const virtualIp = createReplaceableVirtualIp({
    name: config.network.driver,
    interfaceName: config.network.interface,
  })
  opened.push(() => virtualIp.close())
  await virtualIp.use(makeVirtualIpDriver(config, settings.current(), peer.record(), logger))
  const loop = createAgentLoop({
    ports: {
      clock,
      store: createStateStore(stateDirectory),
      link,
      virtualIp,
      data: dataPort(engine, peer, client, () => loop),
      peer: {
        askHandOver: (input) => client.handOver(input),
        askRelease: (input) => client.release(input),
        abortHandOver: (input) => client.abortHandOver(input),
      },
      service: createServices(config.services),
      history,
    },
    identity: settings.current().server?.identity ?? 'primary',
    settings: settings.current().pair,
    paired: peer.record() !== null,
    logger,
    own: { databaseUp: false },
    serviceHealthIntervalMs: config.services.healthIntervalMs,
    onFatal,
  })

  const hello = async (): Promise<PeerHello> =>
    helloOf(serverId, config, settings, await facts.read())
  const operations = createOperations(() => hub.changed())
  const acknowledged = createAcknowledged((position) => engine.acknowledge(position))
  const exchange = createPeerExchange({
    client,
    paired: () => peer.record() !== null,
    hello,
    serverSettings: () => settings.current().server,
    pairSettings: () => settings.current().pair,
    adopt: (pair) => settings.save({ ...settings.current(), pair }),
    history,
    logger,
  })
  opened.push(() => {
    exchange.stop()
    return Promise.resolve()
  })
  const lastTakeOver = await openLastTakeOver(stateDirectory, loop, serverId, logger)
  const notifier = await createNotifier({
    stateDirectory,
    history,
    smtp: config.smtp,
    contacts: () => settings.current().pair?.contacts ?? [],
    server: () => mailServerOf(facts, hostName()),
    shouldSend: mailPolicy(loop),
    logger,
  })
  opened.push(() => notifier.close())

  const node: NodeContext = {
    config,
    serverId,
    identity,
    logger,
    history,
    notifier,
    engine,
    loop,
    link,
    virtualIp,
    lastTakeOver,
    settings,
    peer,
    client,
    exchange,
    facts,
    operations,
    acknowledged,
    hello,
  }
  const hub = createStatusHub(() => buildStatus(node))
  opened.push(() => {
    hub.close()
    return Promise.resolve()
  })
  loop.onChange((view) => {
    operations.step(view.thought)
    hub.changed()
  })
  history.onEntry((entry) => hub.entry(entry))
  passOnReplication(node)

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
  late.changes = createChanges({
    node,
    channel,
    client,
    useDriver: (driver) => virtualIp.use(driver),
  })
  link.setPeer(heartbeatPeer(peer.record()))

  const api = await startApiServer({
    socketPath: config.socketPath,
    api: createAgentApi({ node, makeAccessCode: () => codes.make() }),
    subscribe: (listener) => hub.subscribe(listener),
    logger,
  })
  opened.push(() => api.close())
  const database = openDatabase(engine, loop, history, logger)
  opened.push(() => database.stop())
  await database.firstTry
  await loop.start()
  opened.push(() => loop.stop())
  exchange.start()
  logger.info({ serverId, socketPath: config.socketPath, port: channel.port }, 'the agent runs')
}

function dataPort(
  engine: ReplicationEngine,
  peer: PeerState,
  client: PeerClient,
  loop: () => AgentLoop,
): DataPort {
  const peerTerm = (): number => loop().view().state.shared.peer.report?.term ?? 0
  return {
    promote: (term) => engine.promote(term),
    async demote(reason) {
      const record = peer.record()
      if (record === null) return engine.standAlone({ forget: false })
      return engine.follow(replicationSource(record, client, peerTerm), reason)
    },
    prepareHandOver: () => engine.prepareHandOver(WRITERS_IN_FLIGHT_MS),
    undoHandOver: () => engine.undoHandOver(),
    applyUpTo: (position) => engine.applyUpTo(position, FINAL_APPLY_MS),
  }
}

function helloOf(
  serverId: string,
  config: AgentConfig,
  settings: SettingsStore,
  facts: ServerFacts,
): PeerHello {
  const { server, pair } = settings.current()
  if (server === null) throw new HotStandbyError('HS_NOT_SET_UP')
  return { serverId, facts, server, port: config.listen.port, pair }
}

function virtualIpOf(settings: SettingsStore): readonly string[] {
  const { pair } = settings.current()
  return pair === null ? [] : [pair.virtualIp.address]
}

function mailServerOf(facts: FactsSource, hostName: string): MailServer {
  const known = facts.last()
  return {
    productName: known?.productName ?? 'PBX',
    hostName,
    serialNumber: known?.serialNumber ?? 'unknown',
  }
}
