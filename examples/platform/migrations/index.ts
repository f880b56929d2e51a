import type { Knex } from 'knex'
import * as pbx from './0001_pbx.ts'

interface Step {
  readonly up: (knex: Knex) => Promise<void>
  readonly down: (knex: Knex) => Promise<void>
}

const STEPS: Readonly<Record<string, Step>> = { '0001_pbx': pbx }

/** The platform's own migrations, in order. */
export const platformMigrations: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(STEPS)),
  getMigrationName: (name) => name,
  getMigration: (name) => {
    const step = STEPS[name]
    if (step === undefined) throw new Error(`There is no migration ${name}.`)
    return Promise.resolve(step)
  },
}
