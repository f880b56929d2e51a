import type { CheckReport } from '../api/status-document.ts'
import type { BatchResult } from './batch.ts'
import type { EngineEvents } from './engine-events.ts'
import type { TableCatalogue } from './table-catalogue.ts'
import { NOT_CAPTURED } from './table-pairs.ts'
import type { TableStates } from './table-states.ts'

/** How long a new table may wait for the active to capture it, which looks every few seconds, before that is an alarm. */
const CAPTURE_DUE_MS = 10_000

/** One event for each table that is quarantined and was not told yet, and one when it is replicated again. */
export class QuarantineNews {
  readonly #events: EngineEvents
  readonly #now: () => number
  readonly #told: Set<string>
  #seen: ReadonlyMap<string, number> = new Map()

  /** What is quarantined at the beginning was told before, but for what is only waited for. */
  constructor(events: EngineEvents, now: () => number, states: TableStates) {
    this.#events = events
    this.#now = now
    this.#told = new Set(withoutAwaited(states.quarantined()).map(({ name }) => name))
  }

  tell(states: TableStates): void {
    const quarantined = states.quarantined()
    this.#seen = new Map(quarantined.map(({ name }) => [name, this.#seen.get(name) ?? this.#now()]))
    const due = quarantined.filter(
      (table) => !isAwaited(table) || this.#now() - this.#since(table.name) >= CAPTURE_DUE_MS,
    )
    const news = due.filter(({ name }) => !this.#told.has(name))
    announceQuarantined(this.#events, news)
    for (const { name } of news) this.#told.add(name)
    for (const name of this.#told) {
      if (this.#seen.has(name)) continue
      this.#told.delete(name)
      if (states.isReplicated(name))
        this.#events.history('tableRecovered', `${name} was copied afresh`, { table: name })
    }
  }

  #since(name: string): number {
    return this.#seen.get(name) ?? this.#now()
  }
}

type Quarantined = ReturnType<TableStates['quarantined']>

export function announceQuarantined(events: EngineEvents, tables: Quarantined): void {
  for (const { name, reason } of tables)
    events.history('tableQuarantined', `${name}: ${reason}`, { table: name })
}

/** Without those that the active is about to capture. */
export function withoutAwaited(tables: Quarantined): Quarantined {
  return tables.filter((table) => !isAwaited(table))
}

function isAwaited({ reason }: Quarantined[number]): boolean {
  return reason === NOT_CAPTURED
}

/** Tables that were copied afresh because their rows may have changed without a trigger. */
export function announceRecopied(events: EngineEvents, recopied: BatchResult['recopied']): void {
  if (recopied.length === 0) return
  const names = recopied.map((table) => `${table.name} (${table.reason})`).join(', ')
  const tables = recopied.map((table) => table.name)
  events.history('captureRepaired', `copied afresh: ${names}`, { tables })
}

export function announceCheck(events: EngineEvents, report: CheckReport): void {
  if (report.differences.length === 0) return
  const names = report.differences.map((difference) => difference.table).join(', ')
  const kind = report.repaired ? 'driftRepaired' : 'driftFound'
  events.history(kind, names, { differences: report.differences })
}

/** One event for what cannot be replicated and was not told yet; what is gone may be told again. */
export function announceLeftOut(
  events: EngineEvents,
  told: Set<string>,
  { notReplicated }: TableCatalogue,
): void {
  const impossible = notReplicated.filter(({ why }) => why === 'impossible')
  const fresh = impossible.filter(({ name }) => !told.has(name))
  told.clear()
  for (const { name } of impossible) told.add(name)
  if (fresh.length === 0) return
  const reason = fresh.map((entry) => `${entry.name}: ${entry.reason}`).join('; ')
  events.history('notSynchronised', reason, { names: fresh.map(({ name }) => name) })
}
