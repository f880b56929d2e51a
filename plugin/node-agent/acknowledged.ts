import type { AppliedPosition } from '../core/position.ts'
import { HotStandbyError } from '../errors.ts'
import type { Acknowledged } from './node-context.ts'

/** Keeps the newest acknowledgement and wakes those who wait for it; `passOn` hands it to the replication for purge and lag. */
export function createAcknowledged(passOn: (position: AppliedPosition) => void): Acknowledged {
  let newest: AppliedPosition | null = null
  const waiting = new Set<() => void>()
  return {
    position: () => newest,
    take(position) {
      newest = position
      passOn(position)
      for (const wake of waiting) wake()
    },
    reaches(position, timeoutMs) {
      return new Promise((resolve, reject) => {
        const check = (): void => {
          if (newest !== null && isAtOrAfter(newest, position)) settle(resolve)
        }
        const timer = setTimeout(() => {
          settle(() =>
            reject(
              new HotStandbyError('HS_TIMEOUT', { reason: 'the standby has not applied it yet' }),
            ),
          )
        }, timeoutMs)
        const settle = (outcome: () => void): void => {
          clearTimeout(timer)
          waiting.delete(check)
          outcome()
        }
        waiting.add(check)
        check()
      })
    },
  }
}

/** Positions of one lineage compare by their tick; those of different lineages never. */
export function isAtOrAfter(one: AppliedPosition, other: AppliedPosition): boolean {
  const sameLineage = one.sourceId === other.sourceId && one.sourceTerm === other.sourceTerm
  return sameLineage && BigInt(one.tickId) >= BigInt(other.tickId)
}
