import type { QuotedName } from '../../db/identifiers.ts'
import { type Queryable, textRow, textRows } from '../../db/transaction.ts'

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

/** Names of the schemas of this database, without those of PostgreSQL itself. */
export async function readSchemaNames(db: Queryable): Promise<readonly string[]> {
  const rows = await textRows(
    db,
    `select nspname as name from pg_catalog.pg_namespace
     where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`,
  )
  return rows.map((row) => row['name'] ?? '')
}

/** What would be lost with our schema. */
export async function countUnsentChanges(db: Queryable, schema: QuotedName): Promise<number> {
  const row = await textRow(db, `select count(*)::text as count from ${schema}.unsent_change`)
  return Number(row?.['count'] ?? 0)
}
