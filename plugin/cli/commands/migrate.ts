import { type MigrationReport, migrateDatabase } from '../../replication/migrate-database.ts'
import type { AddCommand } from '../command-context.ts'

export const addMigrate: AddCommand = (program, action) => {
  program
    .command('migrate')
    .description('apply migrations, install or reconcile capture; every firmware upgrade runs this')
    .action(
      action(async (context) => {
        const { database } = context.config()
        const report = await migrateDatabase(database)
        // Rights are missing: the agent would not start, so neither does the upgrade go on unnoticed.
        const failed = report.capture.missingRights.length > 0
        return { document: report, lines: migrationLines(report), failed }
      }),
    )
}

/** What was done, and everything that an administrator must know of: nothing is left out silently. */
export function migrationLines({
  migrations,
  capture,
  unknownExclusions,
}: MigrationReport): string[] {
  const applied = migrations.length === 0 ? 'none missing' : `applied ${migrations.join(', ')}`
  return [
    `Migrations      ${applied}`,
    `Capture         ${capture.installed.length} tables installed, ${capture.unchanged.length} unchanged, ${capture.removed.length} removed`,
    ...capture.excluded.map(({ name, reason }) => `Excluded        ${name}: ${reason}`),
    ...capture.impossible.map(({ name, reason }) => `NOT REPLICATED  ${name}: ${reason}`),
    ...unknownExclusions.map(
      ({ field, name }) => `NOT FOUND       ${name}: ${field} names it, but the database has none`,
    ),
    ...toBeRun(
      'MISSING RIGHTS  Run as superuser:',
      capture.missingRights,
      'Or set database.ownerUrl to a superuser and run this again.',
    ),
    // Capture works without it, so the upgrade goes on.
    ...toBeRun(
      'CAPTURE OWNER   The capture functions belong to the role that migrates. A superuser can give them one that may only write the journal:',
      capture.missingOwner,
      'Then run this again.',
    ),
  ]
}

function toBeRun(before: string, statements: readonly string[], after: string): string[] {
  if (statements.length === 0) return []
  return [before, ...statements.map((statement) => `  ${statement}`), after]
}
