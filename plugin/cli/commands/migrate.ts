import type { AddCommand } from '../command-context.ts'

export const addMigrate: AddCommand = (program, action) => {
  program
    .command('migrate')
    .description('apply migrations, install or reconcile capture; every firmware upgrade runs this')
    .action(
      action(async (context) => {
        const config = context.config()
        const { migrateDatabase } = await import('../../replication/migrate-database.ts')
        const report = await migrateDatabase(config)
        return { document: report, lines: [JSON.stringify(report)] }
      }),
    )
}
