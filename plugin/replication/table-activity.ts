import type { TableLag } from '../api/status-document.ts'
import type { JournaledTable } from './queries/journal.ts'
import { displayName } from './table-description.ts'

/** What the journal of the active tells of one table. */
export interface TableActivityStatus {
  /** Null before the first count, and while nobody knows what the standby has. */
  readonly lag: TableLag | null
  /** When a change was last seen; null when none was since this server began to look. */
  readonly lastChangeAt: string | null
}

/**
 * When each table last changed and how far the standby is behind with it, by what the keeper of the journal comes
 * across anyway. Times are of our own clock, when a change is first seen: there is no clock in the journal.
 */
export class TableActivity {
  readonly #now: () => number
  readonly #newest = new Map<string, bigint>()
  readonly #changedAt = new Map<string, string>()
  #behind: ReadonlyMap<string, { readonly rows: number; readonly oldest: string; since: number }> =
    new Map()
  #isKnown = false
  #hasLooked = false

  constructor(now: () => number) {
    this.#now = now
  }

  /** Every table that has changes which the standby has not got; `isKnown`: there is a standby to compare with. */
  counted(tables: readonly JournaledTable[], isKnown: boolean): void {
    const now = this.#now()
    this.#isKnown = isKnown
    this.#behind = new Map(
      tables.map((table) => {
        const name = displayName(table)
        const known = this.#behind.get(name)
        const since = known?.oldest === table.oldestSeq ? known.since : now
        return [name, { rows: table.rows, oldest: table.oldestSeq, since }]
      }),
    )
    this.#note(tables)
    this.#hasLooked = true
  }

  /** These changes were purged; a fast standby has them before anybody counted them. */
  purged(tables: readonly JournaledTable[]): void {
    if (this.#hasLooked) this.#note(tables)
  }

  of(table: string): TableActivityStatus {
    const behind = this.#behind.get(table)
    const ageMs = behind === undefined ? 0 : Math.max(0, this.#now() - behind.since)
    return {
      lag: this.#isKnown ? { rows: behind?.rows ?? 0, ageMs } : null,
      lastChangeAt: this.#changedAt.get(table) ?? null,
    }
  }

  /** What was there at the first look may be of yesterday: it is no change of now. */
  #note(tables: readonly JournaledTable[]): void {
    for (const table of tables) {
      const name = displayName(table)
      const newest = BigInt(table.newestSeq)
      if (newest <= (this.#newest.get(name) ?? 0n)) continue
      this.#newest.set(name, newest)
      if (this.#hasLooked) this.#changedAt.set(name, new Date(this.#now()).toISOString())
    }
  }
}
