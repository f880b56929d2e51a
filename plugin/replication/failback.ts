import { inTransaction } from '../db/transaction.ts'
import type { ApplyContext } from './batch.ts'
import { type BeginInput, closeOwnJournal } from './begin-following.ts'
import { DriftCheck } from './drift-check.ts'
import type { Lineage } from './lineage.ts'
import { type CapturedTable, readCapturedTables } from './queries/capture.ts'
import { readWindow } from './queries/journal.ts'
import * as positions from './queries/position.ts'
import * as unsent from './queries/unsent.ts'
import { displayName, type KeySlot } from './table-description.ts'
import { keepUnsentChanges, noteWinners } from './unsent-changes.ts'

/** More than this is copied as a whole: then by keys is no gain. */
const MOST_KEYS = 100_000
const PORTION = 5000

interface TouchedTable {
  readonly name: string
  /** The table in the journal of the new active. */
  readonly tableId: number
  readonly slot: KeySlot | null
  readonly keys: readonly string[]
  readonly wholeTable: boolean
}

/**
 * The way back of a server that was active and lost changes at a failover: they are kept, the rows that it had changed go
 * into the new active's journal, and the next batches bring them together with everything that the new active has
 * changed since its promotion. Answers why a copy is needed instead.
 */
export async function beginByKeys(
  context: ApplyContext,
  begin: BeginInput,
  lineage: Extract<Lineage, { kind: 'byKeys' }>,
): Promise<string> {
  const { writer, reader, ticker, schema, config } = context
  const { delivered, from } = lineage
  const keys = await unsent.readUnsentKeys(writer, schema, delivered, MOST_KEYS + 1)
  if (keys.length > MOST_KEYS)
    return `more than ${MOST_KEYS} changes had not reached the other server`
  const captured = await readCapturedTables(reader, schema)
  const touched = touchedTables(keys, captured)
  if (touched === null) return 'the tables of both servers have changed since the take-over'
  const changed = await changedSince(context, touched, from.snapshot)
  const theirs = await readWindow(reader, schema, from.snapshot)
  // First there: when this server stops in between, it does the same again.
  await inTransaction(ticker, () => journalTouched(context, touched))
  context.states.adoptSignals()
  const kept = await inTransaction(writer, async () => {
    const term = from.sourceTerm
    const count = await keepUnsentChanges(writer, schema, config, { term, delivered })
    for (const table of touched)
      await unsent.markWinnerChanged(writer, schema, {
        table: table.name,
        changed: [...(changed.get(table.name) ?? [])],
        wholeTable: table.wholeTable,
      })
    await positions.savePosition(writer, schema, from)
    await positions.forgetReplicatedTables(writer, schema)
    await closeOwnJournal(writer, schema)
    return count
  })
  checkTouched(
    context,
    begin,
    new Set([...touched.map(({ name }) => name), ...named(theirs, captured)]),
  )
  begin.following.moveTo(from)
  announce(begin, kept)
  return 'begun'
}

/** Null when a table is not the same on both servers. */
function touchedTables(
  keys: readonly unsent.UnsentKey[],
  captured: readonly CapturedTable[],
): readonly TouchedTable[] | null {
  const names = [...new Set(keys.map((key) => key.table))]
  const tables = names.map((name): TouchedTable | null => {
    const own = keys.filter((key) => key.table === name)
    const table = captured.find((each) => displayName(each) === name)
    if (table === undefined || table.keySlot !== (own[0]?.slot ?? null)) return null
    return {
      name,
      tableId: table.tableId,
      slot: table.keySlot,
      keys: own.flatMap(({ op, key }) => (op === 'K' && key !== null ? [key] : [])),
      wholeTable: own.some(({ op }) => op === 'W'),
    }
  })
  return tables.includes(null) ? null : tables.filter((table) => table !== null)
}

async function changedSince(
  { reader, schema }: ApplyContext,
  touched: readonly TouchedTable[],
  snapshot: string,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const changed = new Map<string, ReadonlySet<string>>()
  for (const { name, tableId, keys } of touched) {
    const found = new Set<string>()
    for (const portion of portions(keys))
      for (const key of await unsent.keysChangedSince(reader, schema, {
        tableId,
        snapshot,
        keys: portion,
      }))
        found.add(key)
    changed.set(name, found)
  }
  return changed
}

async function journalTouched(
  { ticker, schema }: ApplyContext,
  touched: readonly TouchedTable[],
): Promise<void> {
  for (const { tableId, slot, keys, wholeTable } of touched) {
    if (wholeTable || slot === null) await unsent.journalWholeTable(ticker, schema, tableId)
    else
      for (const portion of portions(keys))
        await unsent.journalKeys(ticker, schema, { tableId, slot, keys: portion })
  }
}

/** The first batch compares every table that either server has touched, and repairs what differs all the same. */
function checkTouched(
  { schema, config }: ApplyContext,
  { following, input }: BeginInput,
  tables: ReadonlySet<string>,
): void {
  const check = new DriftCheck({
    repair: true,
    schema,
    now: input.now,
    tables,
    atCut: ({ writer }) => noteWinners(writer, schema, config),
  })
  following.check ??= check
  const done = (): void => {
    if (following.check === check) following.check = null
  }
  check.report.then(done, done)
}

function announce({ input, status }: BeginInput, kept: number): void {
  const { events, logger } = input
  logger.info({ kept }, 'following from the promotion: only changed rows are copied')
  status.behind(0, 0)
  if (kept === 0) return
  const reason = `${kept} changes had not reached the other server; they are kept`
  events.history('unsentChanges', reason, { count: kept })
}

function named(
  window: readonly { readonly tableId: number }[],
  captured: readonly CapturedTable[],
): readonly string[] {
  const ids = new Set(window.map((table) => table.tableId))
  return captured.filter((table) => ids.has(table.tableId)).map((table) => displayName(table))
}

function* portions(keys: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keys.length; at += PORTION) yield keys.slice(at, at + PORTION)
}
