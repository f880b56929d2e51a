import type { Identity } from './facts.ts'

/** What the administrator sets for the pair; the same on both servers, kept by the active and copied to the standby. */
export interface PairSettings {
  /** Rises with every change; the higher one wins when the servers compare. */
  readonly version: number
  readonly virtualIp: { readonly address: string; readonly prefixLength: number }
  readonly keepAliveIntervalMs: number
  readonly deadTimeMs: number
  /** Network connection detection: addresses on the LAN, normally the gateway. */
  readonly referenceAddresses: readonly string[]
  /** A server that boots alone may become active when its data was in sync at the last contact. */
  readonly coldStartAlone: boolean
  readonly contacts: readonly Contact[]
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
