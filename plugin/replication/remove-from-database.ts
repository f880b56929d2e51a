import { closeQuietly } from '../db/connector.ts'
import { quoteName } from '../db/identifiers.ts'
import type { DatabaseConfig } from './database-config.ts'
import { ownerConnector } from './migrate-database.ts'
import { readCapturedTables } from './queries/capture.ts'
import { schemaExists, dropSchema } from './queries/schema.ts'
import { removeCaptures } from './reconcile-capture.ts'

export interface RemovalReport {
  /** Tables that were captured, `schema.table`. */
  readonly tables: readonly string[]
  readonly schemaDropped: boolean
}

/** Takes everything of ours out of the database: triggers, functions, schema. The platform's tables stay as they are. */
export async function removeFromDatabase(config: DatabaseConfig): Promise<RemovalReport> {
  const client = await ownerConnector(config).open('remove')
  try {
    if (!(await schemaExists(client, config.schema))) return { tables: [], schemaDropped: false }
    const schema = quoteName(config.schema)
    const captured = await readCapturedTables(client, schema)
    const tables = await removeCaptures(client, config, captured)
    await dropSchema(client, schema)
    return { tables, schemaDropped: true }
  } finally {
    await closeQuietly(client)
  }
}
