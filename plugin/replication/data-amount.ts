import type { DataSummary } from '../core/pair-data.ts'
import type { Queryable } from '../db/transaction.ts'
import type { DatabaseConfig } from './database-config.ts'
import { readAmount } from './queries/amount.ts'
import { readTableCatalogue } from './table-catalogue.ts'

/** How much is in the replicated tables of this database. */
export async function readDataAmount(
  db: Queryable,
  config: DatabaseConfig,
): Promise<Omit<DataSummary, 'lastActiveAt'>> {
  const catalogue = await readTableCatalogue(db, config)
  let [tables, rows, isExact] = [0, 0, true]
  for (const table of catalogue.tables) {
    const amount = await readAmount(db, table)
    if (amount.rows > 0) tables += 1
    rows += amount.rows
    isExact &&= amount.isExact
  }
  return { tables, rows, isExact }
}
