import type { HistoryEntry } from '../api/status-document.ts'
import { EVENT_KINDS } from '../core/event-kinds.ts'
import type { History } from '../ports.ts'

const LONGEST_REASON = 4000
/** More than this is for a log and not for the history; it also bounds the files. */
const LARGEST_DATA_CHARACTERS = 20_000
const TEXTS = [
  'at',
  'serverId',
  'hostName',
  'kind',
  'title',
  'reason',
  'meaning',
  'advice',
] as const
const LEVELS: readonly unknown[] = ['information', 'warning', 'alert']

/** A new entry: what happened, with what the catalogue says of its kind. */
export function makeEntry(
  id: number,
  input: Parameters<History['record']>[0],
  server: { readonly serverId: string; readonly hostName: string },
): HistoryEntry {
  const { level, title, meaning, advice } = EVENT_KINDS[input.kind]
  return {
    id,
    at: new Date().toISOString(),
    serverId: server.serverId,
    hostName: server.hostName,
    kind: input.kind,
    level,
    title,
    reason: input.reason.slice(0, LONGEST_REASON),
    meaning,
    advice,
    data: jsonData(input.data ?? {}),
    actor: input.actor ?? null,
  }
}

/** An entry of a line; null when it is none. Checked by hand: at a start there are a hundred thousand. */
export function toEntry(document: unknown): HistoryEntry | null {
  if (typeof document !== 'object' || document === null) return null
  const fields = document as Readonly<Record<string, unknown>>
  const { id, level, data, actor } = fields
  const isEntry =
    Number.isSafeInteger(id) &&
    (id as number) >= 1 &&
    TEXTS.every((name) => typeof fields[name] === 'string') &&
    LEVELS.includes(level) &&
    typeof data === 'object' &&
    data !== null &&
    !Array.isArray(data) &&
    (actor === null || typeof actor === 'string')
  return isEntry ? (document as HistoryEntry) : null
}

/** A copy that JSON can hold; data that it cannot (a cycle, a bigint) must not lose the entry. */
function jsonData(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    const text = JSON.stringify(data)
    if (text.length > LARGEST_DATA_CHARACTERS)
      return { leftOut: `${text.length} characters of details` }
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
