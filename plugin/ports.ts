import type { Duplex } from 'node:stream'
import type {
  CheckReport,
  UnsentChange,
  CopyProgress,
  HistoryEntry,
  ReplicationStatus,
  StatusDocument,
} from './api/status-document.ts'
import type { EventsQuery } from './api/agent-api.ts'
import type { DrillReport } from './api/drill-report.ts'
import type { OutboxShare } from './api/outbox-message.ts'
import type { EventKind } from './core/event-kinds.ts'
import type { Identity, ServerFacts } from './core/facts.ts'
import type { DataSummary, PairData } from './core/pair-data.ts'
import type { RequirementResult } from './core/requirements.ts'
import type { StateName } from './core/state.ts'
import type { PairExclusions, PairSettings, ServerSettings } from './core/settings.ts'
import type { AppliedPosition } from './core/position.ts'

/** Where `replication`, `agent`, `channel` and `notification` meet; wired in `create-node-agent.ts`. */

/** Changes of this server that had not reached the other one at a take-over; kept in its own database. */
export interface UnsentStore {
  /** How many nobody has settled yet, as last counted. */
  count(): number
  refresh(): Promise<void>
  list(): Promise<readonly UnsentChange[]>
  settle(input: {
    readonly ids: readonly number[]
    readonly how: 'reapplied' | 'discarded'
    readonly by: string | null
  }): Promise<void>
  /** As active: applies a change, of either server, again. Null when it is there; else the conflict. */
  reapply(change: UnsentChange): Promise<string | null>
}

/** The replication of one server, both directions: capture as active, apply as standby. */
export interface ReplicationEngine {
  readonly unsent: UnsentStore
  /** Connects to the local database, checks schema, rights and that the database is ours. Errors: HS_DATABASE_*. */
  open(): Promise<void>
  /**
   * As active: capture, purge and cap the journal. Unlocks writes. `term` > 0 also writes the promotion record (the
   * snapshot from which the new standby can follow without a copy) and moves sequences ahead; safe to call again.
   */
  promote(term: number): Promise<void>
  /** Locks writes in the database, and follows `source` as soon as it can be reached; reconnects for ever. */
  follow(source: ReplicationSource, reason: string): Promise<void>
  /** Not paired: capture off, writes unlocked, nothing followed. `forget` also drops the pair's positions and journal. */
  standAlone(options: { readonly forget: boolean }): Promise<void>
  /** As active, before a planned take-over: lock writes, wait for writers in flight (bounded), final durable tick. */
  prepareHandOver(timeoutMs: number): Promise<AppliedPosition>
  /** As active: unlock writes again. */
  undoHandOver(): Promise<void>
  /** As standby: resolves when `position` (of the source) is applied; HS_TIMEOUT else. */
  applyUpTo(position: AppliedPosition, timeoutMs: number): Promise<void>
  /** As active: a durable tick now; everything committed before the call is at or before the position. */
  currentPosition(): Promise<AppliedPosition>
  appliedPosition(): Promise<AppliedPosition | null>
  /** As standby: applies nothing while paused, and goes on from the same position; remembered for later followings. */
  setPaused(paused: boolean): void
  /** As standby: forget the position and copy afresh. */
  resynchronise(): Promise<void>
  /** As standby: compare at one cut with the source. */
  check(options: { readonly repair: boolean }): Promise<CheckReport>
  /** As active: what the standby said it has applied (from the control channel), for purge and lag. */
  acknowledge(position: AppliedPosition): void
  /** Of this server as active: the lag of the peer; as standby: its own. Never throws; cheap. */
  status(): ReplicationStatus
  /** False while a standby has not met its active since it follows it: `inSync` of the status says nothing then. */
  knowsSync(): boolean
  /** What each server keeps for itself by the settings of the pair, from now on. Works while everything goes on. */
  setExclusions(pair: PairExclusions): void
  /** Which of these names nothing in the database bears. */
  unknownExclusions(pair: PairExclusions): Promise<readonly string[]>
  /** `pair`: what the fingerprint of the schema is to leave out. */
  databaseFacts(pair: PairExclusions): Promise<{
    readonly postgresVersion: number
    readonly schemaFingerprint: string
    readonly freeDiskBytes: number | null
  }>
  /** How much a pairing that keeps the peer's data would replace here. */
  dataAmount(): Promise<Omit<DataSummary, 'lastActiveAt'>>
  on<Name extends keyof ReplicationEvents>(
    name: Name,
    listener: (event: ReplicationEvents[Name]) => void,
  ): void
  /** Stops everything and closes what it opened; safe to call twice. Leaves the write lock as it is. */
  close(): Promise<void>
}

export interface ReplicationEvents {
  readonly history: {
    readonly kind: EventKind
    readonly reason: string
    readonly data: Readonly<Record<string, unknown>>
  }
  readonly databaseUp: boolean
  readonly inSync: boolean
  readonly copyProgress: CopyProgress
  /** A batch was applied; the agent sends the position to the active. */
  readonly applied: AppliedPosition
}

/** The active, as its standby reaches it. */
export interface ReplicationSource {
  readonly serverId: string
  /** A new stream to the active's PostgreSQL, through the TLS channel; and who to log in as. */
  connect(): Promise<{
    readonly stream: Duplex
    readonly user: string
    readonly password: string | null
    readonly database: string
  }>
  /** The active's term as its heartbeats say; a change ends the present lineage. */
  term(): number
}

/** What the failover side needs of the machine. `kernel` in production, `listener` where no address may be added. */
export interface VirtualIpDriver {
  readonly name: 'kernel' | 'listener'
  /** Adds the address with a lease, or prolongs it. Reads back: `wasMissing` is true when a held address had gone. */
  raise(leaseMs: number): Promise<{ readonly wasMissing: boolean }>
  drop(): Promise<void>
  announce(): Promise<void>
  probe(): Promise<'free' | 'heldByPeer' | 'heldByStranger' | 'notBelievable'>
  /** This server holds it now. */
  held(): Promise<boolean>
  carrierUp(): Promise<boolean>
  /** Any of the addresses answered on the LAN (ARP level where possible). */
  anyReferenceAnswers(addresses: readonly string[], timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

/** The history: append-only, durable, in the state directory, so that it also works without the database. */
export interface History {
  record(entry: {
    readonly kind: EventKind
    readonly reason: string
    readonly data?: Readonly<Record<string, unknown>>
    readonly actor?: string | null
  }): void
}

/** What the platform says of this server. */
export type FactsProvider = () => Promise<
  Omit<
    ServerFacts,
    'postgresVersion' | 'schemaFingerprint' | 'freeDiskBytes' | 'clockMs' | 'packageVersion'
  >
>

/** What one agent offers the other over the TLS channel; the channel serves it, `create-node-agent.ts` implements it. */
export interface PeerHandler {
  /** Facts and settings of this server; called every few seconds and at pairing. */
  hello(input: PeerHello): Promise<PeerHello>
  /** The peer (standby) reports how far it has applied, at most a few times a second. */
  acknowledge(position: AppliedPosition): Promise<void>
  /** A position at or after everything committed on this (active) server before the call. */
  currentPosition(): Promise<AppliedPosition>
  /** How the peer logs in to this server's PostgreSQL through the tunnel; never written to disk by the peer. */
  databaseAccess(): Promise<{
    readonly user: string
    readonly password: string | null
    readonly database: string
  }>
  /** A connection to this server's local PostgreSQL for one tunnelled client. */
  connectDatabase(): Promise<Duplex>
  handOver(input: {
    readonly requestId: string
    readonly newTerm: number
  }): Promise<AppliedPosition>
  /** As standby, asked for by the active: becomes active as planned. */
  takeOver(): Promise<{
    readonly outcome: 'done' | 'refused' | 'rolledBack'
    readonly reason: string
  }>
  /** What this server is at this moment. */
  role(): Promise<{ readonly state: StateName; readonly term: number }>
  /** As active: how many calls are active now. Errors: HS_WRONG_STATE without the command `services.calls`. */
  activeCalls(): Promise<{ readonly calls: number }>
  /** As standby, asked for by the active: everything of a take-over but the switch. */
  drill(input: { readonly by: string | null }): Promise<DrillReport>
  /** Unsent changes of this server. */
  unsent(): Promise<{ readonly changes: readonly UnsentChange[] }>
  settleUnsent(input: Parameters<UnsentStore['settle']>[0]): Promise<void>
  /** As active, asked for by the standby: applies changes of either server again. */
  resolveUnsent(input: {
    readonly how: 'reapply' | 'discard'
    readonly ids?: readonly string[]
    readonly all?: boolean
    readonly by: string | null
  }): Promise<{
    readonly done: readonly string[]
    readonly conflicts: readonly { readonly id: string; readonly reason: string }[]
  }>
  release(input: { readonly requestId: string; readonly newTerm: number }): Promise<void>
  abortHandOver(input: { readonly requestId: string; readonly reason: string }): Promise<void>
  /** The history of this server, newest first. */
  events(query: EventsQuery): Promise<{ readonly events: readonly HistoryEntry[] }>
  /** What this server's status page shows, so that the peer can show both. */
  status(): Promise<StatusDocument>
  /** As standby, asked for by the active: compare with the active at one cut. */
  check(options: { readonly repair: boolean }): Promise<CheckReport>
  /** As standby, asked for by the active: copy afresh. */
  resynchronise(): Promise<void>
  /** What the peer's outbox holds, so that whichever server is active can send what waits. */
  shareOutbox(input: OutboxShare): Promise<OutboxShare>
  /** The peer leaves the pair. */
  unpair(): Promise<void>
}

export interface PeerHello {
  readonly serverId: string
  readonly facts: ServerFacts
  readonly server: ServerSettings
  /** Where this server's agent listens (TLS and heartbeats), at the address of `facts.network`. */
  readonly port: number
  /** The pair settings that this server has; the higher version wins. */
  readonly pair: PairSettings | null
}

/** The same calls, as the client sees them: through TLS to the pinned peer. Errors: HS_PEER_*, or what the peer answered. */
export interface PeerClient extends Omit<PeerHandler, 'connectDatabase'> {
  connectDatabase(): Promise<Duplex>
}

/** What pairing leaves on each side; `peer.json` in the state directory, mode 0600. */
export interface PeerRecord {
  readonly serverId: string
  readonly serialNumber: string
  readonly address: string
  readonly port: number
  /** SHA-256 of the peer's certificate (DER), hex. */
  readonly fingerprint: string
  /** 32 random bytes made by the primary, base64; authenticates heartbeats. */
  readonly pairKey: string
  readonly pairedAt: string
  /** The pair began with the data of this server. */
  readonly startsPair: boolean
}

/** Asked of the primary by the channel when a secondary presents a valid access code; throws to refuse, then nothing is changed. */
export interface PairingHandler {
  /** Requirement checks of both sides. `preview` true: only look. Returns what the secondary needs. */
  pair(input: {
    readonly hello: PeerHello
    readonly address: string
    readonly fingerprint: string
    readonly preview: boolean
    /** What the secondary has. */
    readonly data: DataSummary
    /** The administrator's answer; null when nobody was asked. */
    readonly keepDataOf: Identity | null
  }): Promise<{
    readonly hello: PeerHello
    readonly requirements: readonly RequirementResult[]
    readonly data: PairData
    /** Whose data the pair begins with; null in a preview when the administrator has to say it. */
    readonly keepDataOf: Identity | null
    readonly pairKey: string | null
  }>
}
