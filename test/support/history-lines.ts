import { EVENT_KINDS, type EventKind } from '../../plugin/core/event-kinds.ts'
import { historyEntry } from './web-status.ts'

/** The content of a history file: an event a second since the beginning of 2026, of every kind in turn. */
export function historyLines(events: number): string {
  const kinds = Object.keys(EVENT_KINDS) as EventKind[]
  const begun = Date.parse('2026-01-01T00:00:00.000Z')
  return Array.from({ length: events }, (_, index) => {
    const kind = kinds[index % kinds.length] ?? 'peerLost'
    const { level, title, meaning, advice } = EVENT_KINDS[kind]
    const at = new Date(begun + index * 1000).toISOString()
    const entry = historyEntry(index + 1, { at, kind, level, title, meaning, advice })
    return `${JSON.stringify(entry)}\n`
  }).join('')
}
