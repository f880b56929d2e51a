/** The part of `hot-standby status --json` that the demo looks at. */
export interface StatusSummary {
  readonly setUp: 'notSetUp' | 'waitingForPeer' | 'paired'
  readonly health: { readonly word: string; readonly meaning: string }
  readonly server: {
    readonly role: string
    readonly state: string
    readonly term: number
    readonly reason: string
    readonly identity: string | null
  }
  readonly peer: { readonly heard: boolean } | null
  readonly virtualIp: { readonly holder: string } | null
  readonly replication: {
    readonly phase: string
    readonly inSync: boolean
    readonly reason: string
    readonly lag: { readonly ageMs: number; readonly rows: number } | null
  }
  readonly configLock: { readonly locked: boolean; readonly reasons: readonly string[] }
  readonly lastTakeOver: { readonly kind: string; readonly reason: string } | null
}
