import type { QuotedName } from '../db/identifiers.ts'
import type { Queryable } from '../db/transaction.ts'
import type { Logger } from '../logger.ts'
import type { OnStep } from './batch-step.ts'
import type { DatabaseConfig } from './database-config.ts'
import type { EngineEvents } from './engine-events.ts'
import type { LocalDatabase } from './local-database.ts'
import { truncateJournal } from './queries/journal.ts'
import * as positions from './queries/position.ts'
import { newGeneration } from './queries/state.ts'

/** What the parts of an engine share. */
export interface EngineParts {
  readonly config: DatabaseConfig
  readonly onStep: OnStep | null
  readonly schema: QuotedName
  readonly local: LocalDatabase
  readonly events: EngineEvents
  readonly logger: Logger
  readonly now: () => number
}

/** Forgets what the pair knew of this database; part of the caller's transaction. */
export async function forgetPair(db: Queryable, schema: QuotedName): Promise<void> {
  await positions.forgetPosition(db, schema)
  await positions.forgetReplicatedTables(db, schema)
  await positions.forgetPromotions(db, schema)
  await newGeneration(db, schema)
  await truncateJournal(db, schema)
}
