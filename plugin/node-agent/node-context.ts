import type { AgentLoop } from '../agent/agent-loop.ts'
import type { ChangeGate } from '../agent/change-gate.ts'
import type { HeartbeatLink } from '../agent/agent-ports.ts'
import type { TlsIdentity } from '../channel/tls-identity.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import type { AppliedPosition } from '../core/position.ts'
import type { Logger } from '../logger.ts'
import type { FileHistory } from '../notification/history.ts'
import type { Notifier } from '../notification/notifier.ts'
import type {
  PeerClient,
  PeerHello,
  PeerRecord,
  ReplicationEngine,
  VirtualIpDriver,
} from '../ports.ts'
import type { FactsSource } from './facts.ts'
import type { Operations } from './operations.ts'
import type { PeerExchange } from './peer-exchange.ts'
import type { SettingsStore } from './settings-store.ts'
import type { LastDrill } from './last-drill.ts'
import type { LastTakeOver } from './last-take-over.ts'

/** The parts of one running agent, as `create-node-agent.ts` put them together. */
export interface NodeContext {
  readonly config: AgentConfig
  readonly serverId: string
  readonly identity: TlsIdentity
  readonly logger: Logger
  readonly history: FileHistory
  readonly notifier: Notifier
  readonly engine: ReplicationEngine
  readonly loop: AgentLoop
  readonly link: HeartbeatLink
  readonly virtualIp: VirtualIpDriver
  readonly changes: ChangeGate
  readonly lastTakeOver: LastTakeOver
  readonly lastDrill: LastDrill
  readonly settings: SettingsStore
  readonly peer: PeerState
  readonly client: PeerClient
  readonly exchange: PeerExchange
  readonly facts: FactsSource
  readonly operations: Operations
  readonly acknowledged: Acknowledged
  readonly hello: () => Promise<PeerHello>
}

/** Who this server is paired with. */
export interface PeerState {
  record(): PeerRecord | null
  /** Durable, then used: heartbeats, channel and decision core follow. */
  set(record: PeerRecord): Promise<void>
  forget(): Promise<void>
}

/** How far the standby said that it has applied this (active) server's journal. */
export interface Acknowledged {
  position(): AppliedPosition | null
  take(position: AppliedPosition): void
  /** Resolves at the first acknowledgement at or after `position`. Errors: HS_TIMEOUT. */
  reaches(position: AppliedPosition, timeoutMs: number): Promise<void>
}
