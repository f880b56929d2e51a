import type { NotReplicated } from '../api/status-document.ts'
import type { Queryable } from '../db/transaction.ts'
import { readForeignKeys } from './queries/catalogue.ts'
import { displayName, type TableDescription } from './table-description.ts'

/**
 * Foreign keys of replicated tables to tables that are not. Changes are applied without looking at them, so after a
 * take-over a row could point at one that this server never had.
 */
export async function findDanglingReferences(
  db: Queryable,
  tables: readonly TableDescription[],
): Promise<readonly NotReplicated[]> {
  const keys = await readForeignKeys(
    db,
    tables.map(({ oid }) => oid),
  )
  return keys.map(({ table, name, referenced }) => ({
    name: `${displayName(table)}.${name}`,
    kind: 'reference',
    why: 'impossible',
    reason: `it refers to ${displayName(referenced)}, which is not replicated: after a take-over a row may point at nothing; replicate that table, or exclude ${displayName(table)} too`,
  }))
}
