import type { Identity, Role } from './facts.ts'

/**
 * The failover state of one server. Times are milliseconds of the agent's monotonic clock; nothing
 * here is ever decided from the wall clock.
 */
export type State =
  | Named<'unpaired'>
  | Named<'boot'>
  | Named<'standby'>
  | Named<'suspect'>
  | (Named<'claiming'> & {
      /** Guards that passed so far, in the order of the guard list. */
      readonly step: ClaimStep
      /** The claim was forced by the administrator: guards are warnings only. */
      readonly forced: boolean
    })
  | (Named<'takingOver'> & { readonly step: TakeOverStep; readonly requestId: string })
  | Named<'active'>
  | (Named<'handingOver'> & { readonly step: HandOverStep; readonly newTerm: number })
  | Named<'rechecking'>
  | Named<'fault'>

export type StateName = State['name']
export type StateOf<Name extends StateName> = Extract<State, { name: Name }>

export type ClaimStep =
  | 'checkingReferences'
  | 'probingVirtualIp'
  | 'persistingTerm'
  | 'claiming'
  | 'promoting'
  | 'raisingVirtualIp'
export type TakeOverStep =
  'preparing' | 'draining' | 'releasing' | 'persistingTerm' | 'promoting' | 'raisingVirtualIp'
export type HandOverStep = 'preparing' | 'prepared' | 'releasing'

interface Named<Name extends string> {
  readonly name: Name
  /** When this state was entered. */
  readonly since: number
  readonly shared: Shared
}

/** What every state knows. */
export interface Shared {
  readonly identity: Identity
  readonly term: number
  /** This server held the active role when it last ran or stepped down. */
  readonly wasActive: boolean
  readonly peer: PeerView
  readonly own: OwnView
  /** Monotonic end of maintenance mode; null when off. */
  readonly maintenanceUntil: number | null
  /** Longest silence of the peer that ended by itself. */
  readonly longestGapMs: number
}

/** What the last authentic heartbeat said. */
export interface PeerView {
  readonly heardAt: number | null
  readonly report: PeerReport | null
  /** The peer lost the right to be active in this term and its data may differ. */
  readonly divergedTerm: number | null
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
  readonly maintenance: boolean
  readonly settingsVersion: number
}

/** What this server last observed of itself. */
export interface OwnView {
  readonly carrierUp: boolean
  /** When a reference address last answered; null when none ever did. */
  readonly referenceAnsweredAt: number | null
  readonly databaseUp: boolean
  readonly serviceHealthy: boolean
  /** The data could carry the pair: initial copy complete and the lag below the limit, or this server was the active one. */
  readonly dataInSync: boolean
}
