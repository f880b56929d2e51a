import type { AppliedPosition } from '../core/position.ts'
import type { DriftCheck } from './drift-check.ts'
import type { StoredPosition } from './queries/position.ts'
import { covers } from './snapshot.ts'
import { TableStates } from './table-states.ts'

/** What a follower knows while it follows; shared by its beginning, its batches and whoever asks it. */
export class Following {
  position: StoredPosition | null = null
  states = new TableStates([])
  copyRequested = false
  check: DriftCheck | null = null
  #wake: () => void = () => undefined
  readonly #waiters = new Set<{ readonly snapshot: string; readonly resolve: () => void }>()

  /** Ends the present wait between two looks. */
  wake(): void {
    this.#wake()
  }

  nextWake(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  requirePosition(): StoredPosition {
    if (this.position === null) throw new Error('there is no position')
    return this.position
  }

  /** The new position is committed: whoever waited for it goes on. */
  moveTo(position: StoredPosition): void {
    this.position = position
    for (const waiter of [...this.#waiters]) {
      if (!covers(position.snapshot, waiter.snapshot)) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  hasApplied(position: AppliedPosition): boolean {
    const own = this.position
    if (own === null || own.state !== 'applied' || own.sourceId !== position.sourceId) return false
    return covers(own.snapshot, position.snapshot)
  }

  /** Resolves when everything that the snapshot sees is applied; `cancel` gives up. */
  whenApplied(snapshot: string): { readonly applied: Promise<true>; readonly cancel: () => void } {
    const waiter = { snapshot, resolve: (): void => undefined }
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
