import type pg from 'pg'
import { copyBetween } from '../db/copy.ts'
import type { QuotedName } from '../db/identifiers.ts'
import type { OnStep } from './batch-step.ts'
import * as apply from './queries/apply.ts'
import * as journal from './queries/journal.ts'
import { excludedColumns, type TableDescription, type TableKey } from './table-description.ts'

/** Keys at a time: bounds memory, not the batch. */
const KEY_PORTION = 5000

/** One table in one batch: where the rows come from and where they go. */
export interface TableTransfer {
  readonly reader: pg.Client
  readonly writer: pg.Client
  readonly sourceSchema: QuotedName
  /** The table as the active has it, with the exclusions of both servers. */
  readonly source: TableDescription
  /** The table as this server has it. */
  readonly target: TableDescription
  readonly tableId: number
  readonly onBytes?: (count: number) => void
  /** So many keys were deleted. */
  readonly onKeys?: (count: number) => void
  readonly onStep?: OnStep | null
}

export interface TransferResult {
  readonly rows: number
  readonly bytes: number
}

/** Makes the changed rows equal: deletes every touched key, then copies the rows as they are in the reader's snapshot. */
export async function applyChangedKeys(
  transfer: TableTransfer,
  applied: string,
): Promise<TransferResult> {
  const { reader, writer, sourceSchema, source, target, tableId, onBytes } = transfer
  const key = requireKey(target)
  const ownValues = excludedColumns(target).length > 0
  if (ownValues) await apply.prepareOwnValues(writer, target, key)
  await journal.openKeyCursor(reader, sourceSchema, source, tableId, applied)
  for (;;) {
    const keys = await journal.fetchKeys(reader, KEY_PORTION)
    if (keys.length === 0) break
    await transfer.onStep?.('keysRead', transfer)
    if (ownValues) await apply.keepOwnValues(writer, target, key, keys)
    await apply.deleteByKeys(writer, target, key, keys)
    transfer.onKeys?.(keys.length)
    if (keys.length < KEY_PORTION) break
  }
  await journal.closeKeyCursor(reader)
  await transfer.onStep?.('deleted', transfer)
  const select = journal.selectChangedRows(sourceSchema, source, tableId, applied)
  const result = await copyBetween(reader, select, writer, apply.copyTarget(target), onBytes)
  await transfer.onStep?.('copied', transfer)
  if (ownValues) await apply.restoreOwnValues(writer, target, key)
  return result
}

/** Makes the whole table equal. DELETE and not TRUNCATE: readers of the standby go on reading. */
export async function applyWholeTable(transfer: TableTransfer): Promise<TransferResult> {
  const { reader, writer, source, target, onBytes } = transfer
  const key = excludedColumns(target).length > 0 ? requireKey(target) : null
  if (key !== null) {
    await apply.prepareOwnValues(writer, target, key)
    await apply.keepOwnValues(writer, target, key, null)
  }
  await apply.deleteAll(writer, target)
  await transfer.onStep?.('deleted', transfer)
  const select = journal.selectAllRows(source)
  const result = await copyBetween(reader, select, writer, apply.copyTarget(target), onBytes)
  await transfer.onStep?.('copied', transfer)
  if (key !== null) await apply.restoreOwnValues(writer, target, key)
  return result
}

function requireKey(table: TableDescription): TableKey {
  if (table.key === null) throw new Error(`${table.schema}.${table.name} has no key`)
  return table.key
}
