import { toHotStandbyError } from '../errors.ts'
import type { History } from '../ports.ts'

/** So long every save must have been confirmed before that is told as news. */
const CALM_MS = 60_000

export interface Confirmations {
  /** Waits with a save, and tells when saves are not confirmed in time any more, and when they are again. */
  watch(wait: () => Promise<void>): Promise<void>
}

/** One event for any number of saves: a platform asks at each of them. */
export function createConfirmations(
  history: Pick<History, 'record'>,
  now: () => number = () => performance.now(),
): Confirmations {
  let lateAt: number | null = null
  const confirmed = (): void => {
    if (lateAt === null || now() - lateAt < CALM_MS) return
    lateAt = null
    history.record({ kind: 'savesConfirmed', reason: 'the standby confirms in time' })
  }
  const missed = (reason: string): void => {
    const isNews = lateAt === null
    lateAt = now()
    if (isNews) history.record({ kind: 'savesUnconfirmed', reason })
  }
  return {
    async watch(wait) {
      try {
        await wait()
      } catch (thrown) {
        missed(toHotStandbyError(thrown).message)
        throw thrown
      }
      confirmed()
    },
  }
}
