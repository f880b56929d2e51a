import type { DrillReport } from './drill-report.ts'
import type { Identity, Role, ServerFacts } from '../core/facts.ts'
import type { AutomaticTakeOver } from '../core/modes.ts'
import type { RequirementResult } from '../core/requirements.ts'
import type { PairSettings, ServerSettings } from '../core/settings.ts'
import type { StateName } from '../core/state.ts'
import type { EventKind } from '../core/event-kinds.ts'
import type { EventLevel } from '../core/settings.ts'
import type { WireError } from '../errors.ts'

/** What `GET /status` of the agent answers, what `hot-standby status --json` prints, what the pages show. */
export interface StatusDocument {
  /** Wall clock of this answer, ISO 8601. */
  readonly at: string
  readonly setUp: 'notSetUp' | 'waitingForPeer' | 'paired'
  readonly health: Health
  readonly server: ServerStatus
  readonly peer: PeerStatus | null
  readonly virtualIp: VirtualIpStatus | null
  readonly heartbeat: HeartbeatStatus | null
  readonly replication: ReplicationStatus
  readonly blockers: readonly Blocker[]
  readonly requirements: readonly RequirementResult[]
  readonly lastTakeOver: TakeOverRecord | null
  /** The newest rehearsal of a take-over that this server knows of. */
  readonly lastDrill: DrillReport | null
  readonly configLock: ConfigLockStatus
  readonly maintenance: MaintenanceStatus | null
  readonly automaticTakeOver: AutomaticTakeOverStatus
  /** What the witness last said to this server, which asks while it serves or claims; null without a witness. */
  readonly witness: WitnessWord | null
  /** Changes that had not reached the other server and that nobody has settled yet, of both servers. */
  readonly unsentChanges: number
  /** Of this server alone. */
  readonly ownUnsentChanges: number
  readonly settings: { readonly server: ServerSettings | null; readonly pair: PairSettings | null }
  /** A pending take-over, resynchronisation or join, step by step. */
  readonly operation: OperationStatus | null
}

export type WitnessWord = 'hasRole' | 'peerHasRole' | 'lost' | 'notAsked'

export type HealthWord =
  'notSetUp' | 'healthy' | 'synchronising' | 'degraded' | 'notProtected' | 'takingOver' | 'split'

export interface Health {
  readonly word: HealthWord
  readonly meaning: string
  readonly action: string
}

export interface ServerStatus {
  /** Stable id of this installation, made on first start. */
  readonly id: string
  readonly identity: Identity | null
  readonly role: Role
  readonly state: StateName
  /** Why the state was entered, in the words of the decision core. */
  readonly reason: string
  readonly since: string
  readonly term: number
  readonly facts: ServerFacts | null
  readonly databaseUp: boolean
  readonly serviceHealthy: boolean
  /** Of the state directory. */
  readonly diskWritable: boolean
  readonly referenceReachable: boolean | null
  readonly carrierUp: boolean | null
}

export interface PeerStatus {
  readonly address: string
  readonly heard: boolean
  readonly lastHeardAt: string | null
  readonly identity: Identity | null
  readonly role: Role | null
  readonly state: StateName | null
  readonly term: number | null
  readonly facts: ServerFacts | null
  /** Since when it is in this state. This and the following are null while it cannot be asked. */
  readonly since: string | null
  readonly databaseUp: boolean | null
  readonly serviceHealthy: boolean | null
  readonly diskWritable: boolean | null
  readonly referenceReachable: boolean | null
  readonly carrierUp: boolean | null
}

export interface VirtualIpStatus {
  readonly address: string
  readonly prefixLength: number
  readonly holder: 'thisServer' | 'peer' | 'nobody' | 'unknown'
  readonly driver: 'kernel' | 'listener'
  readonly leaseMs: number
  /** Behind the gate of nftables; left out: not. */
  readonly gate?: boolean | undefined
}

export interface HeartbeatStatus {
  readonly intervalMs: number
  readonly deadTimeMs: number
  readonly silentMs: number | null
  readonly roundTripMs: number | null
  /** Of the last minute, 0 to 100. */
  readonly lossPercent: number | null
  readonly longestGapMs: number
  /** Newest last, one a heartbeat: for the small chart. */
  readonly recentRoundTripsMs: readonly (number | null)[]
}

export interface ReplicationStatus {
  readonly phase: ReplicationPhase
  /** In words: why this phase, and the error when there is one. */
  readonly reason: string
  readonly inSync: boolean
  readonly lag: Lag | null
  readonly recentLagMs: readonly (number | null)[]
  readonly initialCopy: CopyProgress | null
  /** Of a standby that applies very many changes at once, as after it was away; null else. */
  readonly catchUp: CatchUpProgress | null
  readonly lastBatch: {
    readonly at: string
    readonly changes: number
    readonly durationMs: number
  } | null
  readonly journalBytes: number | null
  readonly journalCapBytes: number
  /** 'notify' when wake-ups arrive, 'poll' when only polling works. */
  readonly wakeUp: 'notify' | 'poll' | null
  readonly tables: readonly TableStatus[]
  readonly notReplicated: readonly NotReplicated[]
  readonly lastCheck: CheckReport | null
}

export type ReplicationPhase =
  | 'off'
  /** This server is active: it captures. */
  | 'capturing'
  | 'connecting'
  | 'copying'
  | 'catchingUp'
  | 'streaming'
  | 'failed'
  | 'paused'

export interface Lag {
  /** Age of the oldest change that is not on the standby; 0 when there is none. */
  readonly ageMs: number
  readonly rows: number
  /** What these rows take, by the average row of their tables. */
  readonly bytes: number
}

export interface CopyProgress {
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly tables: { readonly done: number; readonly total: number }
  readonly rows: { readonly done: number; readonly estimated: number }
  readonly bytes: { readonly done: number; readonly estimated: number }
  readonly remainingMs: number | null
  readonly table: string | null
}

export interface CatchUpProgress {
  readonly startedAt: string
  readonly changes: { readonly done: number; readonly total: number }
  readonly remainingMs: number | null
}

export interface TableStatus {
  readonly name: string
  readonly state: 'replicated' | 'quarantined'
  readonly reason: string | null
  /** How rows are named in the journal: by key, or the whole table at once. */
  readonly capture: 'key' | 'wholeTable'
  readonly rows: number | null
  /** As the active saw it, or as it was applied on the standby, whichever is the later one. */
  readonly lastChangeAt: string | null
  readonly lastCheckedAt: string | null
  /** Changes of this table that are not on the standby, as the active counts them; null when that is not known. */
  readonly lag: TableLag | null
}

export interface TableLag {
  readonly rows: number
  /** Since the active first saw the oldest of them; 0 when there is none. */
  readonly ageMs: number
}

export interface NotReplicated {
  /** Table, `table.column`, `table.constraint`, or another object. */
  readonly name: string
  readonly kind: 'table' | 'column' | 'rows' | 'reference' | 'object'
  readonly why: 'excluded' | 'impossible'
  readonly reason: string
}

export interface CheckReport {
  readonly at: string
  readonly durationMs: number
  readonly tables: number
  readonly rows: number
  readonly repaired: boolean
  readonly differences: readonly TableDifference[]
}

export interface TableDifference {
  readonly table: string
  readonly onlyOnActive: number
  readonly onlyOnStandby: number
  readonly different: number
  /** The first keys, as text, 20 at the most. */
  readonly keys: readonly string[]
  /** The rows of these keys on both servers, as text cut at 500 characters; none for a table without a key. */
  readonly rows: readonly DifferentRow[]
}

/** One row that differs: null where a server has not got it. */
export interface DifferentRow {
  readonly key: string
  readonly active: string | null
  readonly standby: string | null
}

export interface Blocker {
  /** Stable name, e.g. `peerNotInSync`, `requirement:samePlan`. */
  readonly id: string
  /** It keeps a server from taking over by itself; the administrator may all the same. */
  readonly onlyAutomatic?: true
  /** "a take-over now would fail or lose data because …" */
  readonly reason: string
  readonly remedy: string
}

export interface TakeOverRecord {
  readonly at: string
  readonly kind: 'failover' | 'takeOver'
  readonly term: number
  readonly activeServerId: string
  readonly reason: string
  /** From the last sign of the former active to this server being active. */
  readonly durationMs: number | null
  readonly unsentChanges: number | null
}

/** Nobody takes over by itself until it ends; the same on both servers. */
export interface MaintenanceStatus {
  /** Null: until somebody ends it. */
  readonly until: string | null
  readonly remainingMs: number | null
  readonly synchronisation: 'goesOn' | 'paused'
}

export interface AutomaticTakeOverStatus {
  /** `off`: by the administrator. `held`: the role moved too often; switching it on ends the hold. */
  readonly state: AutomaticTakeOver
  /** How often the role moved by itself within the last hour, and how often it may. */
  readonly changesLastHour: number
  readonly changesPerHour: number
}

export interface ConfigLockStatus {
  readonly locked: boolean
  readonly reasons: readonly string[]
  /** Where configuration is possible: URL host of the active server, the virtual IP as a rule. */
  readonly activeAddress: string | null
}

export interface OperationStatus {
  readonly id: string
  readonly kind: 'takeOver' | 'switchover' | 'resynchronise' | 'join' | 'check' | 'drill'
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly outcome: 'running' | 'done' | 'failed'
  readonly steps: readonly { readonly at: string; readonly text: string }[]
  readonly reason: string | null
  /** It only waits, and can be called off: `POST /switchover/cancel`. */
  readonly waits?: boolean
  /** The error that ended a failed one, with its code and remedy. */
  readonly error?: WireError | null
}

/** One change of a server that had not reached the other one when that took over. Values are text as PostgreSQL prints them. */
export interface UnsentChange {
  /** `p` or `s` for the server that has it, and its number there. */
  readonly id: string
  readonly keptAt: string
  readonly lostTerm: number
  readonly schema: string
  readonly table: string
  readonly kind: 'row' | 'deleted' | 'wholeTable'
  readonly key: readonly string[]
  /** The row as it was on the server that lost; null when it had deleted it. */
  readonly loser: Readonly<Record<string, string | null>> | null
  /** The row as it was on the other one when this server came back; null when there was none, or it is not known. */
  readonly winner: Readonly<Record<string, string | null>> | null
  readonly isWinnerKnown: boolean
  /** Whether the other server has changed the row since it took over; null when that is not known. */
  readonly winnerChanged: boolean | null
}

/** One entry of the history. */
export interface HistoryEntry {
  /** Rises by one; unique on this server. */
  readonly id: number
  readonly at: string
  readonly serverId: string
  readonly hostName: string
  readonly kind: EventKind
  readonly level: EventLevel
  readonly title: string
  readonly reason: string
  /** What it means for the people who use the PBX, and what to do. */
  readonly meaning: string
  readonly advice: string
  readonly data: Readonly<Record<string, unknown>>
  /** Who asked for it, when it was somebody: platform user name or `cli`. */
  readonly actor: string | null
}
