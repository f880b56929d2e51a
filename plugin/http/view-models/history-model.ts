import type { EventsQuery } from '../../api/agent-api.ts'
import type { HistoryEntry } from '../../api/status-document.ts'
import { EVENT_KINDS } from '../../core/event-kinds.ts'
import type { Language } from '../i18n/language.ts'
import { LEVELS, levelPill } from './words.ts'

/** How many entries one page can show; the first is the default. */
export const HISTORY_LIMITS: readonly number[] = [100, 500, 2000]

/** The history page. */
export function historyModel(
  events: readonly HistoryEntry[],
  filter: EventsQuery,
  language: Language,
): object {
  const { t, say, count, moment } = language
  const { level = '', kind = '' } = filter
  const kinds = Object.entries(EVENT_KINDS).map(([value, { title }]) => ({
    value,
    label: say(title),
    isSelected: value === kind,
  }))
  const query = new URLSearchParams({ level, kind }).toString()
  return {
    levels: LEVELS.map((value) => ({
      value,
      label: t(`level.${value}`),
      isSelected: value === level,
    })),
    kinds: kinds.sort((a, b) => a.label.localeCompare(b.label, language.tag)),
    limits: HISTORY_LIMITS.map((value) => ({
      value,
      label: count(value),
      isSelected: value === filter.limit,
    })),
    query,
    isFiltered: level !== '' || kind !== '',
    isFull: events.length === filter.limit,
    shown: events.length,
    entries: events.map((entry) => ({
      ...entry,
      at: moment(entry.at),
      pill: levelPill(entry.level, language),
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
