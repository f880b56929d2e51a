import { NO_EXCLUSIONS, type PairExclusions } from '../core/settings.ts'
import type { DatabaseConfig } from './database-config.ts'

type FileExclusions = DatabaseConfig['exclude']

/** A configuration file that leaves nothing out. */
export const NOTHING: FileExclusions = { tables: [], columns: {}, rows: {} }

/** What is left out: by this server's configuration file, and by the settings of the pair, which may change at any time. */
export class LiveExclusions implements FileExclusions {
  readonly #file: FileExclusions
  #pair: PairExclusions

  constructor(file: FileExclusions, pair: PairExclusions = NO_EXCLUSIONS) {
    this.#file = file
    this.#pair = pair
  }

  get tables(): string[] {
    return [...this.#file.tables, ...this.#pair.tables]
  }

  get columns(): Record<string, string[]> {
    const all = new Map(Object.entries(this.#file.columns))
    for (const name of this.#pair.columns) {
      const dot = name.lastIndexOf('.')
      const table = name.slice(0, dot)
      all.set(table, [...(all.get(table) ?? []), name.slice(dot + 1)])
    }
    return Object.fromEntries(all)
  }

  get rows(): Record<string, string> {
    return this.#file.rows
  }

  /** Those of the pair from now on; false when nothing changes. */
  use(pair: PairExclusions): boolean {
    if (JSON.stringify(pair) === JSON.stringify(this.#pair)) return false
    this.#pair = pair
    return true
  }

  /** The same file with other exclusions of the pair. */
  with(pair: PairExclusions): LiveExclusions {
    return new LiveExclusions(this.#file, pair)
  }
}
