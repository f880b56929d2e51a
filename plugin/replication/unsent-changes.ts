import type { QuotedName } from '../db/identifiers.ts'
import type { Queryable } from '../db/transaction.ts'
import type { DatabaseConfig } from './database-config.ts'
import { readCapturedTables } from './queries/capture.ts'
import { changedTables, keepUnsentRows, noteWinnerRows } from './queries/unsent.ts'
import { readTableCatalogue } from './table-catalogue.ts'
import { displayName } from './table-description.ts'

/**
 * Keeps what this server had changed as active and the new active never applied, before a copy overwrites it. Part of
 * the caller's transaction. Returns the number of changes kept.
 */
export async function keepUnsentChanges(
  db: Queryable,
  schema: QuotedName,
  config: DatabaseConfig,
  input: { readonly term: number; readonly delivered: string | null },
): Promise<number> {
  const captured = await readCapturedTables(db, schema)
  const catalogue = await readTableCatalogue(db, config)
  // Most tables have nothing to keep, and one that may not be read (row level security) must not stop the others.
  const changed = new Set(await changedTables(db, schema, input.delivered))
  let kept = 0
  for (const table of catalogue.tables) {
    const capture = captured.find((row) => displayName(row) === displayName(table))
    if (capture === undefined || !changed.has(capture.tableId)) continue
    kept += await keepUnsentRows(db, schema, {
      table,
      tableId: capture.tableId,
      term: input.term,
      snapshot: input.delivered,
    })
  }
  return kept
}

/** This server follows the new active again: notes what won beside each kept change. Part of the caller's transaction. */
export async function noteWinners(
  db: Queryable,
  schema: QuotedName,
  config: DatabaseConfig,
): Promise<void> {
  const catalogue = await readTableCatalogue(db, config)
  for (const table of catalogue.tables) await noteWinnerRows(db, schema, table)
}
