import { csv } from './csv.ts'
import type { HistoryEntry } from './status-document.ts'

/** The history as a spreadsheet reads it; page and command line write the same. */
export function eventsCsv(events: readonly HistoryEntry[]): string {
  return csv(
    ['id', 'time', 'server', 'level', 'kind', 'title', 'reason', 'meaning', 'advice', 'by'],
    events.map((entry) => [
      String(entry.id),
      entry.at,
      entry.hostName,
      entry.level,
      entry.kind,
      entry.title,
      entry.reason,
      entry.meaning,
      entry.advice,
      entry.actor ?? '',
    ]),
  )
}
