import type { UnsentChange } from '../api/status-document.ts'
import type { QuotedName } from '../db/identifiers.ts'
import { describeSqlError } from '../db/sql-state.ts'
import { inTransaction, type Queryable } from '../db/transaction.ts'
import type { UnsentStore } from '../ports.ts'
import type { DatabaseConfig } from './database-config.ts'
import type { EngineEvents } from './engine-events.ts'
import type { LocalDatabase } from './local-database.ts'
import * as queries from './queries/unsent.ts'
import { readTableCatalogue } from './table-catalogue.ts'
import { noteWinners } from './unsent-changes.ts'
import type { TableDescription } from './table-description.ts'

const MOST_SHOWN = 1000

interface StoreInput {
  readonly local: LocalDatabase
  readonly schema: QuotedName
  readonly config: DatabaseConfig
  readonly events: EngineEvents
}

type Values = Readonly<Record<string, string | null>>

/** A change that is not applied again, with the reason for the administrator. */
class Conflict extends Error {}

/** The changes of this server that had not reached the other one at a take-over, and how they are applied again. */
export function createUnsentStore({ local, schema, config, events }: StoreInput): UnsentStore {
  let known = 0
  const count = async (): Promise<void> => {
    known = await local.run((db) => queries.countUnsent(db, schema))
  }
  let noting = false
  let isInSync = false
  events.on('inSync', (inSync) => {
    const caughtUp = inSync && !isInSync
    isInSync = inSync
    if (caughtUp) void note().catch(() => undefined)
  })
  /** The first batch notes what won; when it was cut short, this does as soon as the server has caught up. */
  const note = async (): Promise<void> => {
    if (noting || known === 0) return
    noting = true
    try {
      await local.run((db) => inTransaction(db, () => noteWinners(db, schema, config)))
    } finally {
      noting = false
    }
  }
  events.on('history', ({ kind }) => {
    if (kind === 'unsentChanges') void count().catch(() => undefined)
  })
  return {
    count: () => known,
    refresh: count,
    async list() {
      if (isInSync) await note()
      const stored = await local.run((db) => queries.readUnsent(db, schema, MOST_SHOWN))
      return stored.map(toChange)
    },
    async settle({ ids, how, by }) {
      await local.run((db) => queries.settleUnsent(db, schema, { ids, how, by }))
      await count()
    },
    async reapply(change) {
      try {
        await local.run((db) => inTransaction(db, () => reapply(db, config, change)))
        return null
      } catch (error) {
        return error instanceof Conflict ? error.message : describeSqlError(error)
      }
    },
  }
}

function toChange(stored: queries.StoredUnsent): UnsentChange {
  const values = (row: readonly (string | null)[] | null): Values | null =>
    row === null
      ? null
      : Object.fromEntries(stored.columnNames.map((name, index) => [name, row[index] ?? null]))
  return {
    id: String(stored.id),
    keptAt: stored.keptAt,
    lostTerm: stored.lostTerm,
    schema: stored.schema,
    table: stored.name,
    kind: stored.kind,
    key: stored.keyValues,
    loser: values(stored.rowValues),
    winner: stored.winnerKnown ? values(stored.winnerValues) : null,
    isWinnerKnown: stored.winnerKnown,
    winnerChanged: stored.winnerChanged,
  }
}

/** As the active, in one transaction, through the ordinary triggers: the standby gets it like any change. */
async function reapply(db: Queryable, config: DatabaseConfig, change: UnsentChange): Promise<void> {
  const { tables } = await readTableCatalogue(db, config)
  const table = tables.find((each) => each.schema === change.schema && each.name === change.table)
  if (table === undefined) throw new Conflict('the table is not replicated any more')
  if (change.kind === 'wholeTable' || table.key === null)
    throw new Conflict('the table has no key, so its rows cannot be told apart')
  const row = await queries.readRowByKey(db, table, change.key, true)
  const present = row === null ? null : named(table, row)
  const wanted = change.kind === 'deleted' ? null : change.loser
  if (sameRow(table, present, wanted)) return
  refuseConflict(table, change, present)
  if (wanted === null) return queries.deleteRowByKey(db, table, change.key)
  const names = compared(table).filter((name) => name in wanted)
  await queries.writeRow(db, table, {
    key: change.key,
    names,
    values: names.map((name) => wanted[name] ?? null),
    isThere: present !== null,
  })
}

function refuseConflict(
  table: TableDescription,
  change: UnsentChange,
  present: Values | null,
): void {
  if (change.winnerChanged === true)
    throw new Conflict('the active server has changed this row since it took over')
  const isNew = change.kind === 'row' && present === null
  if (change.winnerChanged === null && !isNew)
    throw new Conflict('it is not known whether the active server has changed this row since')
  if (change.isWinnerKnown && !sameRow(table, present, change.winner))
    throw new Conflict('the row has been changed since this server came back')
}

function compared(table: TableDescription): readonly string[] {
  return table.columns
    .filter((column) => !column.generated && !column.excluded)
    .map((column) => column.name)
}

function named(table: TableDescription, row: readonly (string | null)[]): Values {
  const columns = table.columns.filter((column) => !column.generated)
  return Object.fromEntries(columns.map((column, index) => [column.name, row[index] ?? null]))
}

function sameRow(table: TableDescription, one: Values | null, other: Values | null): boolean {
  if (one === null || other === null) return one === other
  return compared(table).every((name) => (one[name] ?? null) === (other[name] ?? null))
}
