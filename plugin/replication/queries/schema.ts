import type { QuotedName } from '../../db/identifiers.ts'
import { type Queryable, textRow } from '../../db/transaction.ts'

/** Our schema is there, with the tables of the migrations. */
export async function schemaExists(db: Queryable, schemaName: string): Promise<boolean> {
  const row = await textRow(
    db,
    `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = 'captured_table'`,
    [schemaName],
  )
  return row !== null
}

export async function dropSchema(db: Queryable, schema: QuotedName): Promise<void> {
  await db.query(`drop schema ${schema} cascade`)
}
