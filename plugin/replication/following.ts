import type { AppliedPosition } from '../core/position.ts'
import type { DriftCheck } from './drift-check.ts'
import type { StoredPosition } from './queries/position.ts'
import { covers } from './snapshot.ts'
import { TableStates } from './table-states.ts'
import { Wake } from './wake.ts'

/** What a follower knows while it follows; shared by its beginning, its batches and whoever asks it. */
export class Following {
  /** What is committed on this server. */
  position: StoredPosition | null = null
  /** What is durable on both servers; only of this may anybody be told. */
  settled: StoredPosition | null = null
  states = new TableStates([])
  /** The position that was taken while the active refused writes; it is all that there is. */
  drained: string | null = null
  copyRequested = false
  check: DriftCheck | null = null
  /** When the active answered a look last, by the monotonic clock. */
  heardAt = -Infinity
  /** How often what is left out has changed, and up to which of these all tables have been looked at since. */
  #changes = 0
  #lookedUpTo = 0
  #next = new Wake()
  readonly #waiters = new Set<{ readonly wanted: AppliedPosition; readonly resolve: () => void }>()

  /** Ends the present wait between two looks. */
  wake(): void {
    this.#next.come()
  }

  nextWake(): Wake {
    this.#next = new Wake()
    return this.#next
  }

  requirePosition(): StoredPosition {
    if (this.position === null) throw new Error('there is no position')
    return this.position
  }

  /** Somebody waits for a position that is not applied yet. */
  isAwaited(): boolean {
    return this.#waiters.size > 0
  }

  /** The new position is committed and durable: whoever waited for it goes on. */
  moveTo(position: StoredPosition): void {
    this.position = position
    this.settle(position)
  }

  /** This position, which may have been left behind since, is durable. */
  settle(position: StoredPosition): void {
    this.settled = position
    if (this.position?.snapshot === position.snapshot) this.position = position
    for (const waiter of [...this.#waiters]) {
      if (!this.hasApplied(waiter.wanted)) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  /** What is left out has changed: nothing counts as applied before all tables have been looked at. */
  pairAgain(): void {
    this.#changes += 1
  }

  /** For `lookedAtAll`, before the look. */
  get changes(): number {
    return this.#changes
  }

  /** All tables were looked at, and what was missing has been copied. */
  lookedAtAll(changes: number): void {
    this.#lookedUpTo = Math.max(this.#lookedUpTo, changes)
  }

  hasApplied(position: AppliedPosition): boolean {
    if (this.#lookedUpTo < this.#changes) return false
    const own = this.settled
    if (own === null || own.state !== 'applied' || own.sourceId !== position.sourceId) return false
    return covers(own.snapshot, position.snapshot)
  }

  /** Resolves when everything that the position sees is applied; `cancel` gives up. */
  whenApplied(wanted: AppliedPosition): {
    readonly applied: Promise<true>
    readonly cancel: () => void
  } {
    const waiter = { wanted, resolve: (): void => undefined }
    const applied = new Promise<true>((resolve) => (waiter.resolve = () => resolve(true)))
    this.#waiters.add(waiter)
    return { applied, cancel: () => this.#waiters.delete(waiter) }
  }
}

/** The part of a position that the other server is told. */
export function toApplied(position: StoredPosition): AppliedPosition {
  const { sourceId, sourceTerm, snapshot, tickId } = position
  return { sourceId, sourceTerm, snapshot, tickId }
}
