import type { AgentConfig } from '../config/agent-config.ts'
import { HotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { MailServer } from '../notification/mail-text.ts'
import { createNotifier, type Notifier } from '../notification/notifier.ts'
import type { PeerHello } from '../ports.ts'
import { createAcknowledged } from './acknowledged.ts'
import { applyExclusions } from './apply-exclusions.ts'
import type { Closers } from './closers.ts'
import { openLastDrill } from './last-drill.ts'
import { openLastTakeOver } from './last-take-over.ts'
import { mailPolicy, notificationsOf, sendingTurn } from './mail-policy.ts'
import type { NodeContext } from './node-context.ts'
import type { LoopParts } from './open-loop.ts'
import type { Sources } from './open-sources.ts'
import type { Stores } from './open-stores.ts'
import { createOperations } from './operations.ts'
import { passOnReplication } from './pass-on-replication.ts'
import { createPeerExchange, type PeerExchange } from './peer-exchange.ts'
import { buildStatus } from './status.ts'
import { createStatusHub, type StatusHub } from './status-hub.ts'

export interface ContextInput {
  readonly config: AgentConfig
  readonly logger: Logger
  readonly stores: Stores
  readonly sources: Sources
  readonly parts: LoopParts
}

/** Everything that calls are answered from, and the hub that tells watchers of each change. */
export async function buildContext(
  input: ContextInput,
  opened: Closers,
): Promise<{ readonly node: NodeContext; readonly hub: StatusHub }> {
  const { config, logger, stores, sources, parts } = input
  const { engine, client, facts, history } = sources
  const hub: StatusHub = createStatusHub(() => buildStatus(node))
  const hello = helloOf(input)
  const exchange = createExchange(input, hello)
  opened.push(() => exchange.stop())
  const { stateDirectory } = config
  const lastTakeOver = await openLastTakeOver(stateDirectory, parts.loop, stores.serverId, logger)
  const lastDrill = await openLastDrill(stateDirectory)
  const notifier = await openNotifier(input)
  opened.push(() => notifier.close())
  const node: NodeContext = {
    config,
    logger,
    ...stores,
    ...parts,
    engine,
    client,
    facts,
    history,
    notifier,
    lastTakeOver,
    lastDrill,
    exchange,
    hello,
    operations: createOperations(() => hub.changed()),
    acknowledged: createAcknowledged((position) => engine.acknowledge(position)),
  }
  opened.push(() => hub.close())
  passOn(node, hub)
  return { node, hub }
}

/** What this server tells of itself to its peer. */
function helloOf({ config, stores, sources }: ContextInput): () => Promise<PeerHello> {
  return async () => {
    const facts = await sources.facts.read()
    const { server, pair } = stores.settings.current()
    if (server === null) throw new HotStandbyError('HS_NOT_SET_UP')
    return { serverId: stores.serverId, facts, server, port: config.listen.port, pair }
  }
}

function createExchange(
  { stores: { settings, peer }, sources, logger }: ContextInput,
  hello: () => Promise<PeerHello>,
): PeerExchange {
  return createPeerExchange({
    client: sources.client,
    paired: () => peer.record() !== null,
    hello,
    serverSettings: () => settings.current().server,
    pairSettings: () => settings.current().pair,
    adopt: (pair) => settings.save({ ...settings.current(), pair }),
    history: sources.history,
    logger,
  })
}

function openNotifier({ config, stores, sources, parts, logger }: ContextInput): Promise<Notifier> {
  const server = (): MailServer => {
    const known = sources.facts.last()
    return {
      productName: known?.productName ?? 'PBX',
      hostName: sources.hostName(),
      serialNumber: known?.serialNumber ?? 'unknown',
    }
  }
  return createNotifier({
    stateDirectory: config.stateDirectory,
    history: sources.history,
    ownId: stores.serverId,
    smtp: config.smtp,
    ...config.notifications,
    contacts: () => stores.settings.current().pair?.contacts ?? [],
    settings: () => notificationsOf(stores.settings),
    server,
    shouldSend: mailPolicy(parts.loop),
    turn: sendingTurn(parts.loop, stores.peer),
    peer: () =>
      stores.peer.record() === null
        ? null
        : { share: (input) => sources.client.shareOutbox(input) },
    logger,
  })
}

/** Brings what happens in loop, history and replication to whoever watches. */
function passOn(node: NodeContext, hub: StatusHub): void {
  node.loop.onChange((view) => {
    node.operations.step(view.thought)
    node.engine.setPaused(view.state.shared.modes.synchronisationPaused)
    applyExclusions(node)
    hub.changed()
  })
  node.history.onEntry((entry) => hub.entry(entry))
  passOnReplication(node)
  applyExclusions(node)
}
