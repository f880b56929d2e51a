import type { EventsQuery } from '../api/agent-api.ts'
import type { HistoryEntry } from '../api/status-document.ts'

/** Where a line lies in its file. */
export interface LinePlace {
  readonly offset: number
  readonly length: number
}

/** What of an entry can be asked for, and where its line is: some 40 bytes an entry, so that 100,000 fit in memory. */
export interface SegmentIndex {
  add(entry: HistoryEntry, place: LinePlace): void
  /** Places of the entries that match, newest first, `limit` at the most. */
  find(query: EventsQuery, limit: number): readonly LinePlace[]
  readonly count: () => number
}

/** Names that repeat, as small numbers; shared by all segments. */
export interface NameTable {
  code(name: string): number
  /** All codes whose name fits. */
  codes(fits: (name: string) => boolean): ReadonlySet<number>
}

const FIRST_ROOM = 1024
const SEPARATOR = '\n'

export function createNameTable(): NameTable {
  const codes = new Map<string, number>()
  return {
    code(name) {
      const known = codes.get(name)
      if (known !== undefined) return known
      codes.set(name, codes.size)
      return codes.size - 1
    },
    codes: (fits) => new Set([...codes].filter(([name]) => fits(name)).map(([, code]) => code)),
  }
}

/** The index of one file of the history; entries are added in the order of the file. */
export function createSegmentIndex(names: NameTable): SegmentIndex {
  let count = 0
  let columns = makeColumns(FIRST_ROOM)

  return {
    count: () => count,
    add(entry, place) {
      if (count === columns.id.length) columns = grown(columns)
      columns.id[count] = entry.id
      columns.at[count] = Date.parse(entry.at)
      columns.offset[count] = place.offset
      columns.length[count] = place.length
      columns.kind[count] = names.code(`kind ${entry.kind}`)
      columns.level[count] = names.code(`level ${entry.level}`)
      columns.server[count] = names.code(serverName(entry))
      columns.actor[count] = names.code(`by ${entry.actor ?? ''}`)
      count += 1
    },
    find(query, limit) {
      const fits = matcher(query, names, columns)
      const found: LinePlace[] = []
      for (let row = count - 1; row >= 0 && found.length < limit; row -= 1)
        if (fits(row))
          found.push({ offset: columns.offset[row] ?? 0, length: columns.length[row] ?? 0 })
      return found
    },
  }
}

/** Whether an entry in memory is one that was asked for. */
export function matches(entry: HistoryEntry, query: EventsQuery): boolean {
  const at = Date.parse(entry.at)
  return (
    entry.id > (query.after ?? 0) &&
    entry.id < (query.before ?? Infinity) &&
    (query.level === undefined || entry.level === query.level) &&
    (query.kind === undefined || entry.kind === query.kind) &&
    (query.by === undefined || isBy(entry.actor ?? '', query.by)) &&
    (query.server === undefined || isOfServer(serverName(entry), query.server)) &&
    !(at < timeOf(query.since, -Infinity)) &&
    !(at >= timeOf(query.until, Infinity))
  )
}

interface Columns {
  readonly id: Float64Array
  readonly at: Float64Array
  readonly offset: Float64Array
  readonly length: Uint32Array
  readonly kind: Uint32Array
  readonly level: Uint32Array
  readonly server: Uint32Array
  readonly actor: Uint32Array
}

function makeColumns(room: number): Columns {
  return {
    id: new Float64Array(room),
    at: new Float64Array(room),
    offset: new Float64Array(room),
    length: new Uint32Array(room),
    kind: new Uint32Array(room),
    level: new Uint32Array(room),
    server: new Uint32Array(room),
    actor: new Uint32Array(room),
  }
}

function grown(old: Columns): Columns {
  const next = makeColumns(old.id.length * 2)
  for (const name of Object.keys(old) as (keyof Columns)[]) next[name].set(old[name])
  return next
}

function matcher(query: EventsQuery, names: NameTable, columns: Columns): (row: number) => boolean {
  const after = query.after ?? 0
  const before = query.before ?? Infinity
  const since = timeOf(query.since, -Infinity)
  const until = timeOf(query.until, Infinity)
  const kinds = codesOf(names, 'kind', query.kind)
  const levels = codesOf(names, 'level', query.level)
  const { by, server } = query
  const actors =
    by === undefined
      ? null
      : names.codes((name) => name.startsWith('by ') && isBy(name.slice(3), by))
  const servers = server === undefined ? null : names.codes((name) => isOfServer(name, server))
  const { id, at, actor, kind, level, server: serverOf } = columns
  return (row) =>
    (id[row] ?? 0) > after &&
    (id[row] ?? 0) < before &&
    (kinds === null || kinds.has(kind[row] ?? -1)) &&
    (levels === null || levels.has(level[row] ?? -1)) &&
    (servers === null || servers.has(serverOf[row] ?? -1)) &&
    (actors === null || actors.has(actor[row] ?? -1)) &&
    !((at[row] ?? 0) < since) &&
    !((at[row] ?? 0) >= until)
}

function codesOf(
  names: NameTable,
  what: 'kind' | 'level',
  wanted: string | undefined,
): ReadonlySet<number> | null {
  return wanted === undefined ? null : names.codes((name) => name === `${what} ${wanted}`)
}

function serverName({ serverId, hostName }: HistoryEntry): string {
  return ['server', serverId, hostName].join(SEPARATOR)
}

/** `*` stands for anybody; what nobody asked for has no name. */
function isBy(actor: string, wanted: string): boolean {
  return actor !== '' && (wanted === '*' || actor === wanted)
}

/** A server can be named by its id or by its host name. */
function isOfServer(name: string, wanted: string): boolean {
  const [what, serverId, hostName] = name.split(SEPARATOR)
  return what === 'server' && (serverId === wanted || hostName === wanted)
}

function timeOf(iso: string | undefined, otherwise: number): number {
  return iso === undefined ? otherwise : Date.parse(iso)
}
