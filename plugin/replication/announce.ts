import type { CheckReport } from '../api/status-document.ts'
import type { BatchResult } from './batch.ts'
import type { EngineEvents } from './engine-events.ts'
import type { TableCatalogue } from './table-catalogue.ts'
import type { TableStates } from './table-states.ts'

/** One event for each table that is quarantined now and was not before. */
export function announceQuarantined(
  events: EngineEvents,
  states: TableStates,
  before: readonly string[],
): void {
  for (const table of states.quarantined()) {
    if (before.includes(table.name)) continue
    events.history('tableQuarantined', `${table.name}: ${table.reason}`, { table: table.name })
  }
}

/** One event for each table that was quarantined and is not any more. */
export function announceRecovered(
  events: EngineEvents,
  states: TableStates,
  before: readonly string[],
): void {
  for (const table of before) {
    if (!states.isReplicated(table)) continue
    events.history('tableRecovered', `${table} was copied afresh`, { table })
  }
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
