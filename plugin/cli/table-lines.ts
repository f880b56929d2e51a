import type { StatusDocument, TableStatus } from '../api/status-document.ts'
import { formatMs, formatTime } from './units.ts'

const COLUMNS: readonly (readonly [title: string, read: (table: TableStatus) => string])[] = [
  ['Table', ({ name }) => name],
  ['State', ({ state }) => (state === 'replicated' ? state : 'QUARANTINED')],
  ['Rows', ({ rows }) => String(rows ?? '-')],
  ['Lag', lag],
  ['Last change', ({ lastChangeAt }) => time(lastChangeAt)],
  ['Last check', ({ lastCheckedAt }) => time(lastCheckedAt)],
]

/** The tables of the pair, one aligned line each; the reason of one that cannot be synchronised stands below it. */
export function tableLines({ replication }: StatusDocument): string[] {
  const { tables } = replication
  if (tables.length === 0) return ['No tables are known yet.']
  const cells = tables.map((table) => COLUMNS.map(([, read]) => read(table)))
  const titles = COLUMNS.map(([title]) => title)
  const widths = titles.map((_, column) =>
    Math.max(...[titles, ...cells].map((line) => line[column]?.length ?? 0)),
  )
  const aligned = (line: readonly string[]): string =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [
    aligned(titles),
    ...tables.flatMap(({ reason }, index) => [
      aligned(cells[index] ?? []),
      ...(reason === null ? [] : [`  ${reason}`]),
    ]),
  ]
}

function lag({ lag }: TableStatus): string {
  if (lag === null) return '-'
  return lag.rows === 0 ? 'none' : `${lag.rows} in ${formatMs(lag.ageMs)}`
}

function time(at: string | null): string {
  return at === null ? '-' : formatTime(at)
}
