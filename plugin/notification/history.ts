import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { EventsQuery } from '../api/agent-api.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { EVENT_KINDS, type EventKind } from '../core/event-kinds.ts'
import { stateUnreadable } from '../files/durable-file.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { History } from '../ports.ts'
import { type LineFile, openLineFile, readLines } from './line-file.ts'

/** The history of one server, with what pages and mails need of it. */
export interface FileHistory extends History {
  /**
   * Newest first. `after`: only ids above it; `limit`: 100 unless told, 1000 at the most.
   * Reads the files only for what is no longer in memory.
   */
  list(query?: EventsQuery): Promise<readonly HistoryEntry[]>
  /** Called for each new entry at once; the result stops it. */
  onEntry(listener: (entry: HistoryEntry) => void): () => void
  /** The id of the newest entry; 0 when there is none. */
  lastId(): number
  /** Everything recorded so far is on disk, or its failure logged. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface HistoryOptions {
  readonly stateDirectory: string
  /** Asked for each entry: a host name may change. */
  readonly server: () => { readonly serverId: string; readonly hostName: string }
  readonly logger?: Logger
  /** So many of the newest entries are kept at least; half as many more at the most. */
  readonly keep?: number
}

const KEEP = 100_000
const IN_MEMORY = 1000
const WAITING_AT_MOST = 10_000
const LONGEST_REASON = 4000
const DEFAULT_LIMIT = 100
const HIGHEST_LIMIT = 1000

const entrySchema = z.looseObject({
  id: z.int().min(1),
  at: z.string(),
  serverId: z.string(),
  hostName: z.string(),
  kind: z.string(),
  level: z.enum(['information', 'warning', 'alert']),
  title: z.string(),
  reason: z.string(),
  advice: z.string(),
  data: z.record(z.string(), z.unknown()),
  actor: z.string().nullable(),
})

/** Opens the history; damaged lines are skipped and logged. Errors: HS_STATE_UNREADABLE. */
export async function createHistory(options: HistoryOptions): Promise<FileHistory> {
  const logger = options.logger ?? silentLogger
  const segments = segmentPaths(options.stateDirectory)
  const found = await readSegments(segments)
  if (found.damagedLines > 0)
    logger.warn(
      { lines: found.damagedLines },
      'the history has lines that are damaged; they are skipped',
    )
  const writer = await createWriter(segments, found.currentLines, options.keep ?? KEEP, logger)
  const listeners = new Set<(entry: HistoryEntry) => void>()
  let recent: readonly HistoryEntry[] = found.newest
  let lastId = found.lastId

  return {
    record(input) {
      lastId += 1
      const entry = entryOf(lastId, input, options.server())
      recent = [...recent, entry].slice(-IN_MEMORY)
      writer.write(entry)
      for (const listener of listeners) callSafely(listener, entry, logger)
    },
    async list(query = {}) {
      const limit = Math.min(Math.max(query.limit ?? DEFAULT_LIMIT, 0), HIGHEST_LIMIT)
      const held = recent.filter((entry) => matches(entry, query))
      const oldestWanted = (query.after ?? 0) + 1
      const memoryHasAll = (recent[0]?.id ?? 1) <= Math.max(oldestWanted, found.firstId)
      if (held.length >= limit || memoryHasAll) return newestFirst(held, limit)
      await writer.flush()
      return newestFirst(await readMatching(segments, query, limit), limit)
    },
    onEntry(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    lastId: () => lastId,
    flush: () => writer.flush(),
    close: () => writer.close(),
  }
}

function entryOf(
  id: number,
  input: Parameters<History['record']>[0],
  server: { readonly serverId: string; readonly hostName: string },
): HistoryEntry {
  const { level, title, advice } = EVENT_KINDS[input.kind]
  return {
    id,
    at: new Date().toISOString(),
    serverId: server.serverId,
    hostName: server.hostName,
    kind: input.kind,
    level,
    title,
    reason: input.reason.slice(0, LONGEST_REASON),
    advice,
    data: jsonData(input.data ?? {}),
    actor: input.actor ?? null,
  }
}

/** A copy that JSON can hold; data that it cannot (a cycle, a bigint) must not lose the entry. */
function jsonData(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(JSON.stringify(data)) as Record<string, unknown>
  } catch {
    return {}
  }
}

function matches(entry: HistoryEntry, query: EventsQuery): boolean {
  return (
    entry.id > (query.after ?? 0) &&
    (query.level === undefined || entry.level === query.level) &&
    (query.kind === undefined || entry.kind === query.kind)
  )
}

function newestFirst(entries: readonly HistoryEntry[], limit: number): readonly HistoryEntry[] {
  return limit === 0 ? [] : entries.slice(-limit).reverse()
}

function callSafely(
  listener: (entry: HistoryEntry) => void,
  entry: HistoryEntry,
  logger: Logger,
): void {
  try {
    listener(entry)
  } catch (error) {
    logger.error({ error, kind: entry.kind }, 'a listener of the history failed')
  }
}

/** Oldest first; the last one is written to. */
function segmentPaths(stateDirectory: string): readonly [string, string, string] {
  const path = (name: string): string => join(stateDirectory, name)
  return [path('history.2.jsonl'), path('history.1.jsonl'), path('history.jsonl')]
}

interface Found {
  readonly newest: readonly HistoryEntry[]
  readonly firstId: number
  readonly lastId: number
  readonly currentLines: number
  readonly damagedLines: number
}

async function readSegments(paths: readonly string[]): Promise<Found> {
  let newest: HistoryEntry[] = []
  let [firstId, lastId, lines, damagedLines, currentLines] = [1, 0, 0, 0, 0]
  for (const path of paths) {
    currentLines = 0
    for await (const document of readLines(path)) {
      lines += 1
      currentLines += 1
      const entry = toEntry(document)
      if (entry === null) {
        damagedLines += 1
        continue
      }
      if (lastId === 0) firstId = entry.id
      lastId = Math.max(lastId, entry.id)
      newest.push(entry)
      if (newest.length > 2 * IN_MEMORY) newest = newest.slice(-IN_MEMORY)
    }
  }
  // A damaged line had an id too, which must not be given out again.
  const highest = lines === 0 ? 0 : Math.max(lastId + damagedLines, lines)
  return { newest: newest.slice(-IN_MEMORY), firstId, lastId: highest, currentLines, damagedLines }
}

async function readMatching(
  paths: readonly string[],
  query: EventsQuery,
  limit: number,
): Promise<readonly HistoryEntry[]> {
  let found: HistoryEntry[] = []
  for (const path of paths) {
    for await (const document of readLines(path)) {
      const entry = toEntry(document)
      if (entry === null || !matches(entry, query)) continue
      found.push(entry)
      if (found.length > 2 * HIGHEST_LIMIT) found = found.slice(-limit)
    }
  }
  return found
}

function toEntry(document: unknown): HistoryEntry | null {
  const result = entrySchema.safeParse(document)
  return result.success ? { ...result.data, kind: result.data.kind as EventKind } : null
}

interface Writer {
  write(entry: HistoryEntry): void
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Writes behind: `record` is called by the agent's loop, and a disk that takes its time must not delay heartbeats.
 * Entries that could not be written are tried again with the next one.
 */
async function createWriter(
  segments: readonly [string, string, string],
  linesThere: number,
  keep: number,
  logger: Logger,
): Promise<Writer> {
  const [oldest, older, current] = segments
  const segmentLines = Math.ceil(keep / 2)
  let file: LineFile | null = await openLineFile(current)
  let lines = linesThere
  let waiting: readonly HistoryEntry[] = []
  let work: Promise<void> = Promise.resolve()
  let closed = false

  const rotate = async (): Promise<void> => {
    await file?.close()
    file = null
    try {
      await renameIfThere(older, oldest)
      await renameIfThere(current, older)
    } catch (cause) {
      throw stateUnreadable(`${current} cannot be renamed`, cause)
    }
    lines = 0
  }
  const writeWaiting = async (): Promise<void> => {
    if (waiting.length === 0 || closed) return
    const batch = waiting
    try {
      if (lines >= segmentLines) await rotate()
      file ??= await openLineFile(current)
      await file.append(
        batch.map((entry) => JSON.stringify(entry)),
        batch.some(isUrgent),
      )
      lines += batch.length
      waiting = waiting.slice(batch.length)
    } catch (error) {
      waiting = waiting.slice(-WAITING_AT_MOST)
      logger.error({ error, waiting: waiting.length }, 'the history cannot be written')
    }
  }
  return {
    write(entry) {
      waiting = [...waiting, entry]
      work = work.then(writeWaiting)
    },
    flush: () => (work = work.then(writeWaiting)),
    async close() {
      await (work = work.then(writeWaiting))
      closed = true
      const open = file
      file = null
      await open?.close()
    },
  }
}

function isUrgent(entry: HistoryEntry): boolean {
  return entry.level !== 'information'
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
}
