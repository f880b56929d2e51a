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
  /** What each table took that is here; one that is brought forward after an interruption takes more. */
  readonly #done = new Map<string, TransferResult>()
  #bytes = 0
  /** Of the table in progress. */
  #begunAtBytes = 0
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
    if (phase === 'begin') {
      // What came of a table whose copy was interrupted does not count.
      if (this.#table !== null) this.#bytes = this.#begunAtBytes
      this.#begunAtBytes = this.#bytes
      this.#table = pair.name
    } else {
      this.#table = null
      const before = this.#done.get(pair.name) ?? { rows: 0, bytes: 0 }
      this.#done.set(pair.name, {
        rows: before.rows + (result?.rows ?? 0),
        bytes: before.bytes + (result?.bytes ?? 0),
      })
    }
    this.#tell(false)
  }

  bytes(count: number): void {
    this.#bytes += count
    this.#tell(false)
  }

  tables(): { readonly done: number; readonly total: number } {
    return { done: this.#done.size, total: this.#estimated.tables }
  }

  /** Rows and bytes of the tables that are here. */
  copied(): TransferResult {
    const all = [...this.#done.values()]
    return {
      rows: all.reduce((sum, { rows }) => sum + rows, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    }
  }

  finish(): void {
    this.#tell(true)
  }

  #tell(finished: boolean): void {
    const now = this.#now()
    if (!finished && now - this.#reportedAt < REPORT_MS) return
    this.#reportedAt = now
    const { rows } = this.copied()
    this.#report({
      startedAt: new Date(this.#startedAt).toISOString(),
      finishedAt: finished ? new Date(now).toISOString() : null,
      tables: this.tables(),
      rows: { done: rows, estimated: Math.max(rows, this.#estimated.rows) },
      bytes: { done: this.#bytes, estimated: Math.max(this.#bytes, this.#estimated.bytes) },
      remainingMs: finished ? 0 : this.#remaining(now),
      table: this.#table,
    })
  }

  #remaining(now: number): number | null {
    if (this.#bytes === 0 || this.#estimated.bytes === 0) return null
    const share = Math.min(1, this.#bytes / this.#estimated.bytes)
    return Math.round(((now - this.#startedAt) * (1 - share)) / share)
  }
}
