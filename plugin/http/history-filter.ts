import type { Request } from 'express'
import type { EventsQuery } from '../api/agent-api.ts'
import type { FieldProblem } from '../errors.ts'
import { queryText } from './form.ts'
import { instantOf } from './i18n/zoned-time.ts'

/** How many entries one page can show; the first is the default. */
export const HISTORY_LIMITS: readonly number[] = [100, 500, 2000]

/** What was asked for: as the form has it, and as the agent takes it. */
export interface HistoryFilter {
  readonly values: Readonly<Record<FilterName, string>>
  readonly query: EventsQuery
  readonly limit: number
  readonly problems: readonly FieldProblem[]
}

export const FILTER_NAMES = ['level', 'kind', 'server', 'by', 'since', 'until', 'before'] as const
type FilterName = (typeof FILTER_NAMES)[number]

/** Reads the filter of the history page. A time is taken as the clocks of the reader's zone show it. */
export function historyFilter(request: Request, timeZone: string): HistoryFilter {
  const values = Object.fromEntries(
    FILTER_NAMES.map((name) => [name, queryText(request, name).trim()]),
  ) as Record<FilterName, string>
  const limit = Number(queryText(request, 'limit'))
  const times = (['since', 'until'] as const).map((name) => readTime(name, values[name], timeZone))
  const before = /^\d{1,15}$/.test(values.before) ? Number(values.before) : null
  const words = (['level', 'kind', 'server', 'by'] as const)
    .filter((name) => values[name] !== '')
    .map((name) => [name, values[name]] as const)
  return {
    values,
    query: {
      ...Object.fromEntries(words),
      ...Object.fromEntries(times.flatMap(({ pair }) => pair)),
      ...(before === null ? {} : { before }),
    },
    limit: HISTORY_LIMITS.includes(limit) ? limit : (HISTORY_LIMITS[0] ?? 100),
    problems: times.flatMap(({ problem }) => problem),
  }
}

function readTime(name: 'since' | 'until', value: string, timeZone: string) {
  if (value === '') return { pair: [], problem: [] }
  const isZoned = /[zZ]$|[+-]\d\d:\d\d$/.test(value) && !Number.isNaN(Date.parse(value))
  const instant = isZoned ? new Date(value).toISOString() : instantOf(value, timeZone)
  if (instant !== null) return { pair: [[name, instant] as const], problem: [] }
  const problem = {
    field: name,
    value: value.slice(0, 80),
    message: 'is not a time',
    remedy: 'Write it like `2026-03-01T09:00`.',
  }
  return { pair: [], problem: [problem] }
}

/** The same filter in an address, with some of it changed. */
export function filterAddress(
  filter: HistoryFilter,
  change: Partial<Record<FilterName | 'limit', string>> = {},
): string {
  const all = { ...filter.values, limit: String(filter.limit), ...change }
  return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== '')).toString()
}
