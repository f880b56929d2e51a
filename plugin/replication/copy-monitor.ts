import type { CopyProgress } from '../api/status-document.ts'
import type { TransferResult } from './apply-table.ts'
import type { TablePair } from './table-pairs.ts'

const REPORT_MS = 250

/** Counts what a copy has done, and says so a few times a second. */
export class CopyMonitor {
  readonly #now: () => number
  readonly #report: (progress: CopyProgress) => void
  readonly #startedAt: number
  readonly #estimated = { tables: 0, rows: 0, bytes: 0 }
  readonly #done = { tables: 0, rows: 0, bytes: 0 }
  #table: string | null = null
  #reportedAt = 0

  constructor(now: () => number, report: (progress: CopyProgress) => void) {
    this.#now = now
    this.#report = report
    this.#startedAt = now()
  }

  table(
    pairs: readonly TablePair[],
    pair: TablePair,
    phase: 'begin' | 'end',
    result: TransferResult | null,
  ): void {
    this.#estimated.tables = pairs.length
    this.#estimated.rows = pairs.reduce((sum, one) => sum + one.source.estimatedRows, 0)
    this.#estimated.bytes = pairs.reduce((sum, one) => sum + one.source.estimatedBytes, 0)
    this.#table = pair.name
    if (phase === 'end') {
      this.#done.tables++
      this.#done.rows += result?.rows ?? 0
    }
    this.#tell(false)
  }

  bytes(count: number): void {
    this.#done.bytes += count
    this.#tell(false)
  }

  finish(): void {
    this.#table = null
    this.#tell(true)
  }

  #tell(finished: boolean): void {
    const now = this.#now()
    if (!finished && now - this.#reportedAt < REPORT_MS) return
    this.#reportedAt = now
    this.#report({
      startedAt: new Date(this.#startedAt).toISOString(),
      finishedAt: finished ? new Date(now).toISOString() : null,
      tables: { done: this.#done.tables, total: this.#estimated.tables },
      rows: { done: this.#done.rows, estimated: Math.max(this.#done.rows, this.#estimated.rows) },
      bytes: {
        done: this.#done.bytes,
        estimated: Math.max(this.#done.bytes, this.#estimated.bytes),
      },
      remainingMs: finished ? 0 : this.#remaining(now),
      table: this.#table,
    })
  }

  #remaining(now: number): number | null {
    if (this.#done.bytes === 0 || this.#estimated.bytes === 0) return null
    const share = Math.min(1, this.#done.bytes / this.#estimated.bytes)
    return Math.round(((now - this.#startedAt) * (1 - share)) / share)
  }
}
