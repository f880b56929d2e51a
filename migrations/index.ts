import type { Migration } from '../plugin/db/migration.ts'
import { journalMigration } from './0001_journal.ts'

/** Every migration, oldest first. A released one never changes. */
export const MIGRATIONS: readonly Migration[] = [journalMigration]
