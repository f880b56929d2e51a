import knexFactory, { type Knex } from 'knex'
import { platformMigrations } from './migrations/index.ts'
import type { PlatformOptions } from './options.ts'
import { seed } from './seed.ts'

/** Opens the database, brings its tables up to date and fills it when it is new. */
export async function openDatabase(options: PlatformOptions): Promise<Knex> {
  const db = knexFactory({
    client: 'pg',
    connection: options.databaseUrl,
    pool: { min: 0, max: 10 },
    migrations: { migrationSource: platformMigrations },
  })
  try {
    // Asked first: a standby that has nothing to migrate must not write anything.
    const [, pending] = (await db.migrate.list()) as [unknown[], unknown[]]
    if (pending.length > 0) await db.migrate.latest()
    const users = await db<{ id: number }>('users').first('id')
    if (users === undefined) await seed(db, options)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return db
}
