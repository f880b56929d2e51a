import type pg from 'pg'
import { closeQuietly } from '../db/connector.ts'
import { quoteName } from '../db/identifiers.ts'
import type { DatabaseConfig } from './database-config.ts'
import { ownerConnector } from './migrate-database.ts'
import { readCapturedTables } from './queries/capture.ts'
import { namingSqlErrors } from './owner-errors.ts'
import { countUnsentChanges, dropSchema, schemaExists } from './queries/schema.ts'
import { removeCaptures } from './reconcile-capture.ts'

export interface RemovalReport {
  /** Tables that were captured, `schema.table`. */
  readonly tables: readonly string[]
  readonly schemaDropped: boolean
}

/** What `removeFromDatabase` would take away; null when nothing of ours is there. */
export interface RemovalPreview {
  readonly tables: number
  /** Rows that a take-over had kept because they had not reached the other server; they are lost with the schema. */
  readonly unsentChanges: number
}

/** Looks only. Errors: HS_DATABASE_*. */
export async function previewRemoval(config: DatabaseConfig): Promise<RemovalPreview | null> {
  return asOwner(config, async (client) => {
    if (!(await schemaExists(client, config.schema))) return null
    const schema = quoteName(config.schema)
    const tables = (await readCapturedTables(client, schema)).length
    return { tables, unsentChanges: await countUnsentChanges(client, schema) }
  })
}

/**
 * Takes everything of ours out of the database: triggers, functions, schema. The platform's tables stay as they are.
 * Errors: HS_DATABASE_*.
 */
export async function removeFromDatabase(config: DatabaseConfig): Promise<RemovalReport> {
  return asOwner(config, async (client) => {
    if (!(await schemaExists(client, config.schema))) return { tables: [], schemaDropped: false }
    const schema = quoteName(config.schema)
    const captured = await readCapturedTables(client, schema)
    const tables = await removeCaptures(client, config, captured)
    await dropSchema(client, schema)
    return { tables, schemaDropped: true }
  })
}

async function asOwner<Result>(
  config: DatabaseConfig,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = await ownerConnector(config).open('remove')
  try {
    return await namingSqlErrors(() => work(client))
  } finally {
    await closeQuietly(client)
  }
}
