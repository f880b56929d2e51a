import type { DifferentRow, TableDifference } from '../../api/status-document.ts'
import type { Language } from '../i18n/language.ts'

/** A text in three parts, of which the middle is what differs. */
interface MarkedText {
  readonly before: string
  readonly differs: string
  readonly after: string
}

/** The rows that a check found different, both servers' side by side. */
export function differencesModel(
  differences: readonly TableDifference[],
  { t }: Language,
): readonly object[] {
  return differences.map(({ rows, ...difference }) => ({
    ...difference,
    keys: difference.keys.join(', '),
    summary: t('check.rows', { table: difference.table, rows: rows.length }),
    rows: rows.map(rowModel),
  }))
}

function rowModel({ key, active, standby }: DifferentRow): object {
  return {
    key,
    // A password, for example: the rows differ, and look the same.
    isHidden: active !== null && active === standby,
    active: active === null ? null : marked(active, standby),
    standby: standby === null ? null : marked(standby, active),
  }
}

/** Without the beginning and the end that both have in common. */
export function marked(text: string, other: string | null): MarkedText {
  if (other === null) return { before: '', differs: '', after: text }
  const shorter = Math.min(text.length, other.length)
  let start = 0
  while (start < shorter && text[start] === other[start]) start++
  let end = 0
  while (end < shorter - start && text.at(-1 - end) === other.at(-1 - end)) end++
  const cut = text.length - end
  return { before: text.slice(0, start), differs: text.slice(start, cut), after: text.slice(cut) }
}
