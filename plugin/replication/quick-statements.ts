import type pg from 'pg'
import type { QuotedName } from '../db/identifiers.ts'
import { runScript } from '../db/script.ts'
import { ACT_AS_REPLICA, copyTarget, PREPARE_ADVANCE } from './queries/apply.ts'
import { prepareLook, PREPARE_SEQUENCES } from './queries/look.ts'
import { prepareQuickDelete, prepareQuickRead } from './queries/quick.ts'
import type { TablePair } from './table-pairs.ts'
import { excludedColumns, type TableKey, travellingColumns } from './table-description.ts'

/** The prepared statements of one table, on the active and here. */
export interface QuickTable {
  readonly pair: TablePair
  readonly key: TableKey
  readonly read: string
  readonly remove: string
  readonly copy: string
}

/** Whoever holds a table longer is not waited for: the next look locks no table but those that have changed. */
const READ_LOCK_MS = 100
const WRITE_LOCK_MS = 5000

/** Wider tables are streamed: a select list has an end. */
const WIDEST = 200

/** Statements that are planned once for the life of a connection and a pairing of the tables. */
export class QuickStatements {
  readonly #reader: pg.Client
  readonly #writer: pg.Client
  readonly #schema: QuotedName
  #pairs: readonly TablePair[] | null = null
  readonly #tables = new Map<string, QuickTable>()

  constructor(session: {
    readonly reader: pg.Client
    readonly writer: pg.Client
    readonly schema: QuotedName
  }) {
    this.#reader = session.reader
    this.#writer = session.writer
    this.#schema = session.schema
  }

  isReady(pairs: readonly TablePair[]): boolean {
    return this.#pairs === pairs
  }

  /** Drops what belongs to another pairing, and prepares these tables; outside of a transaction. */
  async prepare(pairs: readonly TablePair[], tables: readonly TablePair[]): Promise<void> {
    if (this.#pairs !== pairs) await this.#prepareCommon()
    this.#pairs = pairs
    for (const pair of tables) await this.#prepareTable(pair)
  }

  /** The statements may not fit the tables any more. */
  forget(): void {
    this.#pairs = null
    this.#tables.clear()
  }

  get(pair: TablePair): QuickTable | undefined {
    return this.#tables.get(pair.name)
  }

  async #prepareCommon(): Promise<void> {
    this.#tables.clear()
    // A plan that is made anew for each snapshot would cost more than it could save.
    const begin = ['deallocate all', 'set plan_cache_mode = force_generic_plan']
    const reading = [...begin, `set lock_timeout = ${READ_LOCK_MS}`]
    const writing = [...begin, `set lock_timeout = ${WRITE_LOCK_MS}`, ACT_AS_REPLICA]
    await Promise.all([
      runScript(this.#reader, [...reading, prepareLook(this.#schema), PREPARE_SEQUENCES].join(';')),
      runScript(this.#writer, [...writing, PREPARE_ADVANCE].join(';')),
    ])
  }

  async #prepareTable(pair: TablePair): Promise<void> {
    const { key } = pair.target
    const sourceKey = pair.source.key
    if (key === null || sourceKey === null) return
    const read = `hs_read_${pair.tableId}`
    const remove = `hs_delete_${pair.tableId}`
    await Promise.all([
      runScript(
        this.#reader,
        prepareQuickRead(read, this.#schema, pair.source, sourceKey, pair.tableId),
      ),
      runScript(this.#writer, prepareQuickDelete(remove, pair.target, key)),
    ])
    const copy = `copy ${copyTarget(pair.target)} from stdin`
    this.#tables.set(pair.name, { pair, key, read, remove, copy })
  }
}

/** Tables whose changes need no more than keys, DELETE and COPY. */
export function mayBeQuick(pair: TablePair): boolean {
  return (
    pair.capture === 'key' &&
    pair.target.key !== null &&
    excludedColumns(pair.target).length === 0 &&
    travellingColumns(pair.target).length <= WIDEST
  )
}
