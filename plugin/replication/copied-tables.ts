import type { QuotedName } from '../db/identifiers.ts'
import type { Queryable } from '../db/transaction.ts'
import { readWindow, type WindowTable } from './queries/journal.ts'
import { readServerState } from './queries/state.ts'
import { LineageError, NotReadyError } from './replication-error.ts'

/**
 * What a copy that goes on after an interruption has already: some tables, each as of the snapshot in which it was copied
 * or brought forward last. They lie in a transaction that is not committed before all of them are as of one snapshot.
 */
export class CopiedTables {
  readonly #generation: string
  readonly #snapshots = new Map<number, string>()

  /** The generation of the active's journal. */
  constructor(generation: string) {
    this.#generation = generation
  }

  /** Null: the table is not here yet. */
  snapshotOf(tableId: number): string | null {
    return this.#snapshots.get(tableId) ?? null
  }

  /** What has changed in them, up to the reader's snapshot. Errors: LineageError, NotReadyError. */
  async window(reader: Queryable, schema: QuotedName): Promise<readonly WindowTable[]> {
    const { role, mode, generation } = await readServerState(reader, schema)
    if (role !== 'active')
      throw new NotReadyError('the server that is copied is not active any more')
    if (generation !== this.#generation || mode === 'off')
      throw new LineageError("the active's journal was started afresh during the copy")
    const tables: WindowTable[] = []
    for (const snapshot of new Set(this.#snapshots.values())) {
      const window = await readWindow(reader, schema, snapshot)
      tables.push(...window.filter(({ tableId }) => this.#snapshots.get(tableId) === snapshot))
    }
    return tables
  }

  /** Those that have not changed are as of this snapshot, too. */
  foundUnchanged(snapshot: string, changed: ReadonlySet<number>): void {
    for (const tableId of this.#snapshots.keys())
      if (!changed.has(tableId)) this.#snapshots.set(tableId, snapshot)
  }

  broughtTo(snapshot: string, tableId: number): void {
    this.#snapshots.set(tableId, snapshot)
  }
}
