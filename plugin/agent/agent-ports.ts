import type { Modes } from '../core/modes.ts'
import type { PeerReport, StateName } from '../core/state.ts'
import type { History, VirtualIpDriver } from '../ports.ts'
import type { AppliedPosition } from '../core/position.ts'

/** All I/O of the agent loop. Production and simulation give their own; the loop file is the same. */
export interface AgentPorts {
  readonly clock: Clock
  readonly store: StateStore
  readonly link: HeartbeatLink
  readonly virtualIp: VirtualIpDriver
  readonly data: DataPort
  readonly peer: PeerPort
  readonly service: ServicePort
  /** The third party that says who may serve; left out where there is none. */
  readonly witness?: WitnessPort
  /** The changes that users make through web processes; left out where there are none. */
  readonly changes?: ChangePort
  readonly history: History
}

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  /** Calls `run` after the delay, once, after pending sockets were read. Returns the cancel function. */
  schedule(delayMs: number, run: () => void): () => void
}

/** The durable part of the state; see FAILOVER pitfall: a term is on disk before it is used. */
export interface StateStore {
  /** Null when there is none yet. Errors: HS_STATE_UNREADABLE. */
  load(): Promise<DurableState | null>
  /** Written to a temporary file, fsynced, renamed, folder fsynced. */
  save(state: DurableState): Promise<void>
  /** Writes something and removes it again. Errors: HS_STATE_UNREADABLE. */
  prove(): Promise<void>
}

export interface DurableState {
  readonly term: number
  readonly wasActive: boolean
  /** Data was in sync when last persisted; a server that is not never comes up alone. */
  readonly dataInSync: boolean
  readonly modes: Omit<Modes, 'maintenanceUntil'> & {
    /** Wall clock end of maintenance mode, Unix time in ms. */
    readonly maintenanceUntilMs: number | 'open' | null
  }
  /** When this server became active by itself, Unix time in ms. */
  readonly roleChangesMs: readonly number[]
}

export interface HeartbeatLink {
  /** Starts listening; what is not authentic, fresh and from the peer is dropped unanswered. */
  start(handler: HeartbeatHandler): Promise<void>
  /** Who the peer is; null stops sending. The key is the pair key of 32 bytes. */
  setPeer(
    peer: { readonly address: string; readonly port: number; readonly key: Buffer } | null,
  ): void
  send(report: PeerReport): void
  sendClaim(report: PeerReport): void
  stats(): {
    readonly roundTripMs: number | null
    readonly lossPercent: number | null
    readonly recentRoundTripsMs: readonly (number | null)[]
  }
  close(): Promise<void>
}

export interface HeartbeatHandler {
  report(report: PeerReport): void
  claim(term: number): void
}

/** The database side, as the loop needs it. */
export interface DataPort {
  promote(term: number): Promise<void>
  demote(reason: string): Promise<void>
  prepareHandOver(): Promise<AppliedPosition>
  undoHandOver(): Promise<void>
  applyUpTo(position: AppliedPosition): Promise<void>
}

/** The peer's agent over the TLS channel. Every call has a time limit. Errors: HS_PEER_*. */
export interface PeerPort {
  askHandOver(input: {
    readonly requestId: string
    readonly newTerm: number
  }): Promise<AppliedPosition>
  askRelease(input: { readonly requestId: string; readonly newTerm: number }): Promise<void>
  abortHandOver(input: { readonly requestId: string; readonly reason: string }): Promise<void>
  /** What the peer is at this moment. */
  askRole(): Promise<{ readonly state: StateName; readonly term: number }>
}

/** A third party that keeps the role for one server at a time. */
export interface WitnessPort {
  /** Takes or prolongs the role for this long; `granted` only when nobody else holds it. Errors: HS_TIMEOUT. */
  hold(ttlMs: number): Promise<'granted' | 'heldByPeer'>
}

/** What becomes of changes in web processes while the role moves. */
export interface ChangePort {
  /** New changes wait; resolves when those under way are answered, or after a short while. */
  hold(): Promise<void>
  /** Those that wait are sent to the virtual IP, to be made on the other server; resolves when they are answered. */
  redirect(): Promise<void>
  /** Those that wait go on; the role decides again. Safe to call at any time. */
  open(): void
}

/** The platform's telephony services. */
export interface ServicePort {
  start(): Promise<void>
  stop(): Promise<void>
  healthy(): Promise<boolean>
}
