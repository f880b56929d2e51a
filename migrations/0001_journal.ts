import { readSqlFile } from '../plugin/db/sql-file.ts'
import type { Migration } from '../plugin/db/migration.ts'

/** Journal, positions and write lock. */
export const journalMigration: Migration = {
  name: '0001_journal',
  sql: readSqlFile(new URL('0001_journal.sql', import.meta.url)),
}
