import type { HistoryEntry, StatusDocument } from '../../api/status-document.ts'
import { EVENT_KINDS } from '../../core/event-kinds.ts'
import { filterAddress, HISTORY_LIMITS, type HistoryFilter } from '../history-filter.ts'
import type { Language } from '../i18n/language.ts'
import { localOf } from '../i18n/zoned-time.ts'
import { fieldView } from './field-view.ts'
import { LEVELS, levelPill } from './words.ts'

/** The history page; `events` may hold one more than the page shows, to know whether there is an older page. */
export function historyModel(
  events: readonly HistoryEntry[],
  filter: HistoryFilter,
  status: StatusDocument,
  language: Language,
): object {
  const { t, say, count, moment } = language
  const { values, limit, problems } = filter
  const shown = events.slice(0, limit)
  const kinds = Object.entries(EVENT_KINDS).map(([value, { title }]) => ({
    value,
    label: say(title),
    isSelected: value === values.kind,
  }))
  return {
    levels: LEVELS.map((value) => ({
      value,
      label: t(`level.${value}`),
      isSelected: value === values.level,
    })),
    kinds: kinds.sort((a, b) => a.label.localeCompare(b.label, language.tag)),
    servers: [...serverNames(status, values.server)].map((value) => ({
      value,
      label: value,
      isSelected: value === values.server,
    })),
    since: timeField('since', filter, language),
    until: timeField('until', filter, language),
    zone: language.timeZone,
    by: fieldView({ name: 'by', hasHelp: true }, values, problems, language),
    limits: HISTORY_LIMITS.map((value) => ({
      value,
      label: count(value),
      isSelected: value === limit,
    })),
    query: filterAddress(filter, { before: '', limit: '' }),
    auditQuery: 'by=*',
    older:
      events.length > limit ? filterAddress(filter, { before: String(shown.at(-1)?.id) }) : null,
    newest: values.before === '' ? null : filterAddress(filter, { before: '' }),
    isOpen:
      problems.length > 0 ||
      Object.entries(values).some(([name, value]) => value !== '' && name !== 'before'),
    isFiltered: Object.entries(values).some(([, value]) => value !== ''),
    entries: shown.map((entry) => ({
      ...entry,
      at: moment(entry.at),
      pill: levelPill(entry.level, language),
      data: dataLines(entry.data),
    })),
  }
}

function timeField(name: 'since' | 'until', filter: HistoryFilter, language: Language): object {
  const { problems, query, values } = filter
  const iso = query[name]
  // A wrong time stays as it was typed, for its owner to mend.
  const value = iso === undefined ? values[name] : localOf(iso, language.timeZone)
  return {
    ...fieldView({ name }, { [name]: value }, problems, language),
    isTime: iso !== undefined || value === '',
  }
}

function serverNames(status: StatusDocument, asked: string): ReadonlySet<string> {
  const names = [status.server.facts?.hostName, status.peer?.facts?.hostName, asked]
  return new Set(names.filter((name): name is string => name !== undefined && name !== ''))
}

function dataLines(data: HistoryEntry['data']): readonly object[] {
  return Object.entries(data ?? {}).map(([name, value]) => ({
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }))
}
