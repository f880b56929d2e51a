import { type AgentLoop, createAgentLoop } from '../agent/agent-loop.ts'
import type { DataPort, HeartbeatLink } from '../agent/agent-ports.ts'
import { ChangeGate } from '../agent/change-gate.ts'
import { createHeartbeatLink } from '../agent/heartbeat-link.ts'
import { createServices } from '../agent/services.ts'
import { createStateStore } from '../agent/state-store.ts'
import { createSystemClock } from '../agent/system-clock.ts'
import {
  createReplaceableVirtualIp,
  type ReplaceableVirtualIp,
} from '../agent/virtual-ip/replaceable-driver.ts'
import { withServiceLease } from '../agent/virtual-ip/service-lease-driver.ts'
import { createEtcdWitness } from '../agent/witness/etcd-witness.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import type { Identity } from '../core/facts.ts'
import { serviceLeasePath } from '../files/service-lease.ts'
import type { Logger } from '../logger.ts'
import type { PeerClient, ReplicationEngine } from '../ports.ts'
import { afterTelling } from './after-telling.ts'
import type { Closers } from './closers.ts'
import type { PeerState } from './node-context.ts'
import type { Sources } from './open-sources.ts'
import type { Stores } from './open-stores.ts'
import { replicationSource } from './replication-source.ts'
import { makeVirtualIpDriver } from './virtual-ip-driver.ts'

/** How long a hand-over waits for writers that are under way, and for the standby to apply the last changes. */
const WRITERS_IN_FLIGHT_MS = 5000
const FINAL_APPLY_MS = 15_000

export interface LoopParts {
  readonly loop: AgentLoop
  readonly link: HeartbeatLink
  readonly virtualIp: ReplaceableVirtualIp
  readonly changes: ChangeGate
}

export interface LoopOptions {
  readonly config: AgentConfig
  readonly logger: Logger
  /** A broken invariant: the address was let go, and the process should end. */
  readonly onFatal: (error: Error) => void
}

/** The decision loop with everything it acts through; it decides nothing before it is started. */
export async function openLoop(
  { config, logger, onFatal }: LoopOptions,
  { settings, peer }: Stores,
  { engine, client, history }: Sources,
  opened: Closers,
): Promise<LoopParts> {
  const clock = createSystemClock()
  const link = createHeartbeatLink({ ...config.listen, clock, logger })
  const virtualIp = createReplaceableVirtualIp({
    name: config.network.driver,
    interfaceName: config.network.interface,
  })
  opened.push(() => virtualIp.close())
  await virtualIp.use(makeVirtualIpDriver(config, settings, peer.record(), logger))
  const identity = (): Identity => settings.current().server?.identity ?? 'primary'
  const changes = new ChangeGate(logger)
  const store = afterTelling(createStateStore(config.stateDirectory, logger), history)
  const loop = createAgentLoop({
    durable: await store.load(),
    ports: {
      clock,
      store,
      link,
      virtualIp: withServiceLease(virtualIp, serviceLeasePath(config), logger),
      data: dataPort(engine, peer, client, () => loop),
      peer: {
        askHandOver: (input) => client.handOver(input),
        askRelease: (input) => client.release(input),
        abortHandOver: (input) => client.abortHandOver(input),
        askRole: () => client.role(),
      },
      service: createServices(config.services),
      changes,
      history,
      ...(config.witness === undefined
        ? {}
        : { witness: createEtcdWitness(config.witness, identity, logger) }),
    },
    identity: identity(),
    settings: settings.current().pair,
    paired: peer.record() !== null,
    startsPair: peer.record()?.startsPair,
    logger,
    own: { databaseUp: false },
    roleChangesPerHour: config.failover.roleChangesPerHour,
    serviceHealthIntervalMs: config.services.healthIntervalMs,
    onFatal,
  })
  return { loop, link, virtualIp, changes }
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
