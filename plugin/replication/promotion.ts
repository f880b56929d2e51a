import type { QuotedName } from '../db/identifiers.ts'
import { inTransaction, type Queryable } from '../db/transaction.ts'
import type { DatabaseConfig } from './database-config.ts'
import { advanceSequence } from './queries/apply.ts'
import { readSequences } from './queries/catalogue.ts'
import { truncateJournal } from './queries/journal.ts'
import * as positions from './queries/position.ts'
import {
  clearHandOver,
  newGeneration,
  readServerState,
  saveRole,
  setCaptureMode,
} from './queries/state.ts'
import { writeTickNow } from './queries/ticks.ts'

/** How far sequences jump at a failover: values that the failed server gave out and we never heard of. */
const SEQUENCE_SLACK = 1000

/**
 * Makes this database the active one, and writes down from which snapshot its journal counts and how far it had
 * applied the former active. Safe to call again with the same term.
 */
export async function promoteDatabase(
  db: Queryable,
  schema: QuotedName,
  config: DatabaseConfig,
  input: { readonly serverId: string; readonly term: number; readonly planned: boolean },
): Promise<void> {
  const before = await readServerState(db, schema)
  const known = await positions.newestPromotion(db, schema)
  const again =
    before.role === 'active' && (input.term === 0 || (known !== null && known.term >= input.term))
  if (!again) await inTransaction(db, () => becomeActive(db, schema, config, input))
  // Only now: nobody may write before the snapshot of the promotion is durable.
  const after = await readServerState(db, schema)
  if (after.mode !== 'capture') await setCaptureMode(db, schema, 'capture')
}

async function becomeActive(
  db: Queryable,
  schema: QuotedName,
  config: DatabaseConfig,
  input: { readonly serverId: string; readonly term: number; readonly planned: boolean },
): Promise<void> {
  const position = await positions.readPosition(db, schema)
  const former = position?.state === 'applied' ? position : null
  const state = await readServerState(db, schema)
  if (former !== null) {
    await truncateJournal(db, schema)
    await newGeneration(db, schema)
    if (!input.planned) await moveSequencesAhead(db, config)
  }
  const tick = await writeTickNow(db, schema)
  const { generation } = await readServerState(db, schema)
  if (input.term > state.term) {
    await positions.savePromotion(db, schema, {
      term: input.term,
      serverId: input.serverId,
      snapshot: tick.snapshot,
      tickId: tick.tickId,
      formerSourceId: former?.sourceId ?? null,
      formerSourceTerm: former?.sourceTerm ?? null,
      formerSnapshot: former?.snapshot ?? null,
      generation,
      formerGeneration: former?.generation ?? null,
    })
  }
  await positions.forgetPosition(db, schema)
  await clearHandOver(db, schema)
  await saveRole(db, schema, { serverId: input.serverId, role: 'active', activeName: null })
}

async function moveSequencesAhead(db: Queryable, config: DatabaseConfig): Promise<void> {
  for (const sequence of await readSequences(db, config.replicatedSchemas, [])) {
    await advanceSequence(db, sequence, SEQUENCE_SLACK)
  }
}
