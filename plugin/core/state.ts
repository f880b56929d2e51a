import type { Identity, Role } from './facts.ts'
import type { Modes, ModesReport } from './modes.ts'

/**
 * The failover state of one server. Times are milliseconds of the agent's monotonic clock; nothing
 * here is ever decided from the wall clock.
 */
export type State =
  | Named<'unpaired'>
  | (Named<'boot'> & {
      /** The data was locked: no running lease of an earlier life can be adopted any more. */
      readonly locked: boolean
    })
  | (Named<'standby'> & {
      /** No claim of its own before this time; a failed one is not repeated at once. */
      readonly retryAt: number
    })
  | (Named<'suspect'> & { readonly retryAt: number })
  | (Named<'claiming'> & {
      /** Guards that passed so far, in the order of the guard list. */
      readonly step: ClaimStep
      /** The claim was forced by the administrator: guards are warnings only. */
      readonly forced: boolean
      readonly cause: ClaimCause
      /** The administrator's request that this claim settles; null for an automatic one. */
      readonly requestId: string | null
      /** When the step began. */
      readonly stepSince: number
      /** Why the claim began, in words. */
      readonly why: string
      /** When to ask again for an address that was still held; null while an answer is awaited. */
      readonly probeAt: number | null
    })
  | (Named<'takingOver'> & {
      readonly step: TakeOverStep
      /** The role is on disk; it is written while the data is promoted, since the address is nowhere meanwhile. */
      readonly rolePersisted: boolean
      readonly requestId: string
      readonly newTerm: number
      readonly stepSince: number
      /** The active offered the role by itself; no administrator waits for an answer. */
      readonly offered: boolean
    })
  | (Named<'active'> & Lease)
  | (Named<'handingOver'> &
      Lease & {
        readonly step: HandOverStep
        readonly newTerm: number
        /** The peer's request; null while the role is only offered. */
        readonly requestId: string | null
        readonly stepSince: number
        /** The agent is being stopped: it does not go on as active whatever happens. */
        readonly stopping: boolean
      })
  | Named<'rechecking'>
  | (Named<'fault'> & { readonly cause: FaultCause; readonly retryAt: number })

export type StateName = State['name']
export type StateOf<Name extends StateName> = Extract<State, { name: Name }>

export type ClaimStep =
  | 'checkingReferences'
  | 'probingVirtualIp'
  | 'askingWitness'
  | 'persistingTerm'
  | 'claiming'
  | 'promoting'
  | 'persistingRole'
  | 'confirmingVirtualIp'
  | 'raisingVirtualIp'
export type TakeOverStep =
  | 'preparing'
  | 'draining'
  | 'persistingTerm'
  | 'releasing'
  | 'promoting'
  | 'persistingRole'
  | 'raisingVirtualIp'
/** `offering`: still serving, and asking the peer by heartbeat to take over (planned stop, or unfit to serve). */
export type HandOverStep = 'offering' | 'preparing' | 'prepared' | 'releasing'
export type ClaimCause =
  'failover' | 'coldStart' | 'election' | 'resume' | 'firstPairing' | 'request'
export type FaultCause = 'failed' | 'unhealthy' | 'stopping'

/** What a server that holds the virtual IP knows of its lease. */
export interface Lease {
  /** When the last raise or renewal was decided. */
  readonly renewedAt: number
  /** The administrator forced this server active: it needs no evidence until the peer or a reference was heard once. */
  readonly forced: boolean
  /** How often the address was announced, and when last. */
  /** When the last raise or renewal that succeeded was decided; the kernel's lease ends one lease time after it, or later. */
  readonly securedAt: number
  readonly announcements: number
  readonly announcedAt: number
  /** Renewals fail since; null while they succeed. */
  readonly renewFailingSince: number | null
}

interface Named<Name extends string> {
  readonly name: Name
  /** When this state was entered. */
  readonly since: number
  readonly shared: Shared
}

/** What every state knows. */
export interface Shared {
  readonly identity: Identity
  /** The pair began with the data of this server: until a first term is served, it alone may claim. */
  readonly startsPair: boolean
  readonly term: number
  /** This server held the active role when it last ran or stepped down. */
  readonly wasActive: boolean
  readonly peer: PeerView
  readonly own: OwnView
  /** Maintenance and the switch of automatic take-over; the same on both servers as soon as they hear each other. */
  readonly modes: Modes
  /** When this server became active without being asked to, within the last hour. */
  readonly roleChanges: readonly number[]
  /** Longest silence of the peer that ended by itself. */
  readonly longestGapMs: number
  /** Rises with every change of state; the outcome of an effect counts only in the visit that asked for it. */
  readonly visit: number
  /** The highest term heard in any heartbeat or claim; the next own term is above it. */
  readonly seenTerm: number
  /** The highest term that this server ever tried to write to disk; nothing lower is written after it. */
  readonly reservedTerm: number
  readonly referenceAskedAt: number | null
  readonly witness: WitnessView
  /** When nobody answered for the virtual IP last; null when somebody did since, or the peer was heard. */
  readonly virtualIpFreeAt: number | null
  /** The address was asked for before the dead time of this silence was over. */
  readonly probedEarly: boolean
  /** Since when the reference addresses answer; null while they do not. */
  readonly reachableSince: number | null
  /** Evidence that we are not isolated counts from here at the latest: activation, or the end of a stall. */
  readonly graceFrom: number
  /** Database or service unhealthy since; null when healthy. */
  readonly unhealthySince: number | null
  /** No reference address has answered here since, while one answers at the peer; null otherwise. */
  readonly cutOffSince: number | null
  /** Alarms already raised, so that each is recorded once. */
  readonly alarms: readonly Alarm[]
  /** Effects that failed and are tried again. */
  readonly retries: readonly Retry[]
}

/** What the witness said. */
export interface WitnessView {
  readonly askedAt: number | null
  /** This server holds the role at the witness until then, by its own count; null when it does not. */
  readonly heldUntil: number | null
  /** Since when no question was answered; null while they are. */
  readonly unansweredSince: number | null
  /** For so long that it is told. */
  readonly lost: boolean
  /** Null before the first answer. */
  readonly answer: 'granted' | 'heldByPeer' | 'unreachable' | null
}

export type Alarm =
  'peerLost' | 'blocked' | 'answered' | 'conflict' | 'isolated' | 'split' | 'witness'

export interface Retry {
  readonly effect: RetriedEffect
  readonly at: number
}

export type RetriedEffect =
  'dropVirtualIp' | 'stopService' | 'demoteData' | 'persist' | 'promoteData'

/** What the last authentic heartbeat said. */
export interface PeerView {
  readonly heardAt: number | null
  readonly report: PeerReport | null
  /** The peer lost the right to be active in this term and its data may differ. */
  readonly divergedTerm: number | null
  /** Silence counts from here: last heard, own start, or the end of an own stall. */
  readonly silenceFrom: number
  /** Since when the peer reports a state in which it neither serves nor is about to; null otherwise. */
  readonly settledSince: number | null
  /** Since when the peer reports to be active; null otherwise. */
  readonly activeSince: number | null
  /** Since when the peer, which we hear, reports that it does not hear us; null otherwise. */
  readonly deafSince: number | null
  /** When the peer last answered for the virtual IP during this silence: its kernel, at least, was alive. */
  readonly heldAt: number | null
}

export interface PeerReport {
  readonly identity: Identity
  readonly role: Role
  readonly state: StateName
  readonly term: number
  readonly wasActive: boolean
  readonly healthy: boolean
  readonly dataInSync: boolean
  readonly referenceReachable: boolean
  readonly modes: ModesReport
  /** How often it became active by itself within the last hour. */
  readonly roleChanges: number
  readonly settingsVersion: number
}

/** What this server last observed of itself. */
export interface OwnView {
  readonly carrierUp: boolean
  /** When a reference address last answered; null when none ever did. */
  readonly referenceAnsweredAt: number | null
  readonly databaseUp: boolean
  readonly serviceHealthy: boolean
  /** The state directory can be written to: else no term and no role could be kept. */
  readonly diskWritable: boolean
  /** The data could carry the pair: initial copy complete and the lag below the limit, or this server was the active one. */
  readonly dataInSync: boolean
  /** The kernel still holds the virtual IP for us; observed at start, when an earlier life may have left a running lease. */
  readonly holdsVirtualIp: boolean
  /** What the last question to the reference addresses brought; null before the first. */
  readonly referenceReachable: boolean | null
}
