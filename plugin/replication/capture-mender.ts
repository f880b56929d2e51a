import { delay } from '../db/delay.ts'
import { closeQuietly } from '../db/connector.ts'
import { type QuotedName, quoteName } from '../db/identifiers.ts'
import { describeSqlError } from '../db/sql-state.ts'
import type { Logger } from '../logger.ts'
import { announceLeftOut } from './announce.ts'
import type { DatabaseConfig } from './database-config.ts'
import type { EngineEvents } from './engine-events.ts'
import type { LocalDatabase } from './local-database.ts'
import { ownerConnector, replicatorRole } from './migrate-database.ts'
import { readCaptureMark, readCapturedTables } from './queries/capture.ts'
import { reconcileCapture } from './reconcile-capture.ts'
import { requireRowConditions } from './row-conditions.ts'
import { readTableCatalogue, type TableCatalogue } from './table-catalogue.ts'
import { displayName } from './table-description.ts'

const LOOK_MS = 2000
/**
 * After failures in a row: soon at first, since a change of the schema may just have been under way; the remedy of one
 * that stays is somebody else's, and the tables are named as quarantined meanwhile.
 */
const LONGEST_RETRY_MS = 30_000

export interface MenderInput {
  readonly config: DatabaseConfig
  readonly local: LocalDatabase
  readonly events: EngineEvents
  readonly logger: Logger
  /** This server is in a pair: there is something to keep. */
  readonly wanted: () => boolean
  /** What is replicated may have changed. */
  readonly changed: (catalogue: TableCatalogue) => void
}

/**
 * Installs capture again where somebody took it away: a table that was created anew, swapped, restored from a dump, or
 * whose triggers were dropped. Does what `hot-standby migrate` does, with the same role, so it needs its rights.
 */
export class CaptureMender {
  readonly #input: MenderInput
  readonly #schema: QuotedName
  readonly #stop = new AbortController()
  #running: Promise<void> | null = null
  #mark: string | null = null
  #asked = 0
  /** What cannot be replicated and was told. */
  readonly #leftOut = new Set<string>()

  constructor(input: MenderInput) {
    this.#input = input
    this.#schema = quoteName(input.config.schema)
  }

  /** What is wanted has changed, though the tables have not. */
  lookAgain(): void {
    this.#asked++
    this.#mark = null
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stop.signal.aborted) {
      await delay(Math.min(LOOK_MS * 2 ** failures, LONGEST_RETRY_MS), this.#stop.signal)
      if (this.#stop.signal.aborted || !this.#input.wanted()) continue
      try {
        await this.#look()
        failures = 0
      } catch (error) {
        failures++
        this.#input.logger.warn(
          { reason: describeSqlError(error) },
          'capture could not be installed again; run `hot-standby migrate`',
        )
      }
    }
  }

  async #look(): Promise<void> {
    const { local, config } = this.#input
    const mark = await local.run((db) => readCaptureMark(db, this.#schema, config))
    const asked = this.#asked
    if (mark === this.#mark) return
    await this.#mend()
    // Only what was there before the work: a change meanwhile, our own too, is looked at again.
    if (asked === this.#asked) this.#mark = mark
  }

  async #mend(): Promise<void> {
    const { config, events, logger, changed } = this.#input
    const client = await ownerConnector(config).open('mend')
    try {
      // Not over the connection that the keeper uses: this one may wait behind a migration, which the keeper lets go.
      const catalogue = await readTableCatalogue(client, config)
      changed(catalogue)
      announceLeftOut(events, this.#leftOut, catalogue)
      await requireRowConditions(client, config)
      const captured = await readCapturedTables(client, this.#schema)
      const before = new Set(captured.map(displayName))
      const report = await reconcileCapture(client, config, replicatorRole(config))
      if (report.installed.length > 0) {
        logger.info({ tables: report.installed }, 'capture was installed')
      }
      const again = report.installed.filter((name) => before.has(name))
      if (again.length === 0) return
      const reason = `capture was gone or changed and has been installed again: ${again.join(', ')}`
      events.history('captureRepaired', reason, { tables: again })
    } finally {
      await closeQuietly(client)
    }
  }
}
