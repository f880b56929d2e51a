/** What a server was set up as; does not change. */
export type Identity = 'primary' | 'secondary'

/** What a server is now, as the peer and the pages see it. */
export type Role = 'active' | 'standby' | 'starting' | 'fault'

/** What one server says of itself for the requirement checks; exchanged at pairing and whenever it changes. */
export interface ServerFacts {
  readonly productName: string
  readonly hostName: string
  readonly serialNumber: string
  readonly plan: string
  readonly firmwareVersion: string
  /** Firmware below this one cannot be in a pair. */
  readonly minimumFirmwareVersion: string
  readonly capacity: { readonly extensions: number; readonly concurrentCalls: number }
  readonly network: NetworkFacts
  readonly postgresVersion: number
  /** Hash over the replicated tables, columns, types and keys; equal on both servers when their schemas are. */
  readonly schemaFingerprint: string
  readonly freeDiskBytes: number
  /** Wall clock when the facts were taken, Unix time in ms; null in comparisons where it is not known. */
  readonly clockMs: number
  /** Version of this package. */
  readonly packageVersion: string
  /** Why this server cannot have the gate of nftables; null when it can; left out by a version that has none. */
  readonly gateProblem?: string | null | undefined
  /** The witness that this server asks, without secrets; null when it asks none; left out by a version that has none. */
  readonly witness?: string | null | undefined
}

export interface NetworkFacts {
  readonly interfaceName: string
  /** The server's own address on that interface. */
  readonly address: string
  readonly prefixLength: number
  readonly family: 'ipv4' | 'ipv6'
  readonly isStatic: boolean
  /** The default route goes through this interface. */
  readonly isDefault: boolean
  readonly kind: 'lan' | 'vpn' | 'other'
}
