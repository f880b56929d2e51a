import { remoteGroup } from './connection-gate.ts'

/** Counts wrong attempts of the last minute, of each remote and of all together. */
export interface AttemptLimit {
  /** Seconds until this remote may try again; 0 when it may now. */
  waitSeconds(remote: string): number
  failed(remote: string): void
}

export interface AttemptLimits {
  readonly perRemote: number
  readonly inAll: number
}

const WINDOW_MS = 60_000

export function createAttemptLimit(limits: AttemptLimits, now: () => number): AttemptLimit {
  let failures: readonly { readonly at: number; readonly remote: string }[] = []
  const forget = (): void => {
    failures = failures.filter((failure) => now() - failure.at < WINDOW_MS)
  }
  return {
    waitSeconds(remote) {
      forget()
      const ofRemote = failures.filter((failure) => failure.remote === remoteGroup(remote))
      const freedAt = Math.max(freed(ofRemote, limits.perRemote), freed(failures, limits.inAll))
      return Math.max(0, Math.ceil((freedAt - now()) / 1000))
    },
    failed(remote) {
      forget()
      failures = [...failures, { at: now(), remote: remoteGroup(remote) }]
    },
  }
}

/** When enough of the failures are forgotten. The list is in order of time. */
function freed(failures: readonly { readonly at: number }[], limit: number): number {
  const decisive = failures[failures.length - limit]
  return failures.length < limit || decisive === undefined ? 0 : decisive.at + WINDOW_MS
}
