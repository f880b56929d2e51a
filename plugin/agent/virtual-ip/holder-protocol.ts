/** What the driver tells its holder process, and what comes back; see `listener-holder.ts`. */
export type HolderRequest = { readonly id: number } & (
  | {
      readonly type: 'hold'
      readonly address: string
      readonly forward: readonly ForwardedPort[]
      readonly leaseMs: number
    }
  | { readonly type: 'release' }
)

export interface ForwardedPort {
  readonly port: number
  /** `host:port` */
  readonly to: string
}

export interface HolderAnswer {
  readonly id: number
  readonly failure: { readonly code: string; readonly port: number | null } | null
}
