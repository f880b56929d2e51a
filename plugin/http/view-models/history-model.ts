import type { EventsQuery } from '../../api/agent-api.ts'
import type { HistoryEntry } from '../../api/status-document.ts'
import { EVENT_KINDS } from '../../core/event-kinds.ts'
import { moment } from './format.ts'
import { LEVEL, LEVELS } from './words.ts'

/** How many entries one page can show; the first is the default. */
export const HISTORY_LIMITS: readonly number[] = [100, 500, 2000]

/** The history page. */
export function historyModel(events: readonly HistoryEntry[], filter: EventsQuery): object {
  const { level = '', kind = '' } = filter
  const kinds = Object.entries(EVENT_KINDS).map(([value, { title }]) => ({
    value,
    label: title,
    isSelected: value === kind,
  }))
  const query = new URLSearchParams({ level, kind }).toString()
  return {
    levels: LEVELS.map((value) => ({ value, label: value, isSelected: value === level })),
    kinds: kinds.sort((a, b) => a.label.localeCompare(b.label)),
    limits: HISTORY_LIMITS.map((value) => ({
      value,
      label: String(value),
      isSelected: value === filter.limit,
    })),
    query,
    isFiltered: level !== '' || kind !== '',
    isFull: events.length === filter.limit,
    shown: events.length,
    entries: events.map((entry) => ({
      ...entry,
      at: moment(entry.at),
      tone: LEVEL[entry.level] ?? 'info',
      data: dataLines(entry.data),
    })),
  }
}

function dataLines(data: HistoryEntry['data']): readonly object[] {
  return Object.entries(data ?? {}).map(([name, value]) => ({
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }))
}
