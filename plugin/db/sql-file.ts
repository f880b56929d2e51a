import { readFileSync } from 'node:fs'
import type { QuotedName } from './identifiers.ts'

/** Reads an SQL file that stands beside its module. */
export function readSqlFile(url: URL): string {
  return readFileSync(url, 'utf8')
}

/** Puts the quoted schema name in place of `:schema`; a `::cast` is no placeholder. */
export function withSchema(sql: string, schema: QuotedName): string {
  return sql.replaceAll(/(?<!:):schema\b/g, () => schema)
}
