import type { Logger } from '../logger.ts'

const QUIET_MS = 60_000

/** Counts refused connections and logs each reason at once, then once a minute at most: hostile traffic must not fill the disk. */
export interface RefusalLog {
  refuse(reason: RefusalReason, remote: string): void
  counts(): Readonly<Partial<Record<RefusalReason, number>>>
}

export type RefusalReason =
  | 'tooManyConnections'
  | 'handshakeFailed'
  | 'noCertificate'
  | 'notThePeer'
  | 'unknownService'
  | 'notHttp'
  | 'tooSlow'
  | 'wrongAccessCode'

export function createRefusalLog(
  logger: Logger,
  now: () => number = () => performance.now(),
): RefusalLog {
  const counts: Partial<Record<RefusalReason, number>> = {}
  const loggedAt = new Map<RefusalReason, number>()
  return {
    refuse(reason, remote) {
      const total = (counts[reason] ?? 0) + 1
      counts[reason] = total
      const last = loggedAt.get(reason)
      if (last !== undefined && now() - last < QUIET_MS) return
      loggedAt.set(reason, now())
      logger.warn({ reason, remote, total }, 'connection refused')
    },
    counts: () => ({ ...counts }),
  }
}
