import type { Identity } from './facts.ts'

/** What the administrator sets for the pair; the same on both servers, kept by the active and copied to the standby. */
export interface PairSettings {
  /** Rises with every change; the higher one wins when the servers compare. */
  readonly version: number
  readonly virtualIp: VirtualIpSettings
  readonly keepAliveIntervalMs: number
  readonly deadTimeMs: number
  /** Network connection detection: addresses on the LAN, normally the gateway. */
  readonly referenceAddresses: readonly string[]
  /** A server that boots alone may become active when its data was in sync at the last contact. */
  readonly coldStartAlone: boolean
  readonly contacts: readonly Contact[]
  /** What each server keeps for itself, besides what its configuration file names; left out where nobody named any. */
  readonly exclude?: PairExclusions
  /** Saves wait so long for the standby where the platform lets them; null or left out: they do not wait. */
  readonly confirmSavesMs?: number | null
  /** What is told and in which words; left out where nobody changed it. */
  readonly notifications?: NotificationSettings
}

export interface VirtualIpSettings {
  readonly address: string
  readonly prefixLength: number
  /** The address is behind a gate of nftables, which shuts to the millisecond; left out: it is not. */
  readonly gate?: boolean | undefined
}

export interface PairExclusions {
  /** `table` or `schema.table`. */
  readonly tables: readonly string[]
  /** `table.column` or `schema.table.column`. */
  readonly columns: readonly string[]
}

export const NO_EXCLUSIONS: PairExclusions = { tables: [], columns: [] }

export interface NotificationSettings {
  /** Kinds of events that are told at another level than their own, or to nobody. */
  readonly kinds: Readonly<Record<string, EventLevel | 'off'>>
  /** Written by the administrator: for one kind, for all (`default`), or for the summary of many (`summary`). */
  readonly templates: Readonly<Record<string, MessageTemplate>>
  /** The system is not protected for so long: it is told, and again. */
  readonly notProtectedAfterMinutes: number
  /** The standby counts as behind from this lag on. */
  readonly behindAfterSeconds: number
}

/** Handlebars with the variables of `config/message-template.ts`, and nothing else. */
export interface MessageTemplate {
  readonly subject: string
  readonly text: string
  readonly html: string
}

export const DEFAULT_NOTIFICATIONS: NotificationSettings = {
  kinds: {},
  templates: {},
  notProtectedAfterMinutes: 5,
  behindAfterSeconds: 60,
}

export type EventLevel = 'information' | 'warning' | 'alert'

export interface Contact {
  readonly name: string
  readonly email: string
  readonly levels: readonly EventLevel[]
}

/** What the administrator sets for this server alone. */
export interface ServerSettings {
  readonly identity: Identity
  readonly hostName: string
  readonly networkInterface: string
  /** Null on a primary until the secondary has joined. */
  readonly peerAddress: string | null
  readonly peerPort: number
  /** When given, only the peer with this serial number may pair. */
  readonly expectedPeerSerialNumber: string | null
}

export interface Settings {
  readonly server: ServerSettings
  readonly pair: PairSettings
}
