import type { CatchUpProgress } from '../api/status-document.ts'
import type { WindowTable } from './queries/journal.ts'
import { rowBytesOf } from './table-description.ts'
import type { TablePair } from './table-pairs.ts'

const REPORT_MS = 250
/** A batch below this is over before anybody could read how far it is. */
export const CATCH_UP_CHANGES = 10_000

/**
 * Counts how far a large batch is. A change counts half when its row is deleted and half when it is copied; what of the
 * copy is done is told by bytes, since nobody counts the rows in a stream.
 */
export class CatchUpMonitor {
  readonly #now: () => number
  readonly #report: (progress: CatchUpProgress) => void
  readonly #startedAt: number
  readonly #changes: ReadonlyMap<number, number>
  readonly #total: number
  #finished = 0
  #current = { changes: 0, rowBytes: 1, deleted: 0, bytes: 0 }
  #reportedAt = 0

  constructor(
    now: () => number,
    window: readonly WindowTable[],
    report: (progress: CatchUpProgress) => void,
  ) {
    this.#now = now
    this.#report = report
    this.#startedAt = now()
    this.#changes = new Map(window.map(({ tableId, changes }) => [tableId, changes]))
    this.#total = window.reduce((sum, { changes }) => sum + changes, 0)
    this.#tell()
  }

  table({ tableId, source }: TablePair, phase: 'begin' | 'end'): void {
    const changes = this.#changes.get(tableId) ?? 0
    if (phase === 'end') this.#finished += changes
    const isOpen = phase === 'begin'
    const rowBytes = rowBytesOf(source)
    this.#current = { changes: isOpen ? changes : 0, rowBytes, deleted: 0, bytes: 0 }
    this.#tell()
  }

  keys(count: number): void {
    this.#current.deleted += count
    this.#tell()
  }

  bytes(count: number): void {
    this.#current.bytes += count
    this.#tell()
  }

  #done(): number {
    const { changes, rowBytes, deleted, bytes } = this.#current
    const begun = (Math.min(changes, deleted) + Math.min(changes, bytes / rowBytes)) / 2
    return Math.min(this.#total, Math.floor(this.#finished + begun))
  }

  #tell(): void {
    const now = this.#now()
    if (now - this.#reportedAt < REPORT_MS) return
    this.#reportedAt = now
    const done = this.#done()
    const share = done / Math.max(1, this.#total)
    this.#report({
      startedAt: new Date(this.#startedAt).toISOString(),
      changes: { done, total: this.#total },
      remainingMs: done === 0 ? null : Math.round(((now - this.#startedAt) * (1 - share)) / share),
    })
  }
}
