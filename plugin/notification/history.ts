import type { EventsQuery } from '../api/agent-api.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { History } from '../ports.ts'
import { makeEntry } from './history-entry.ts'
import { openHistoryFiles } from './history-files.ts'
import { matches } from './history-index.ts'

/** The history of one server, with what pages and mails need of it. */
export interface FileHistory extends History {
  /**
   * Newest first; `limit`: 100 unless told, 10,000 at the most. The newest are in memory; of older ones an index says
   * where they are, so that only the lines that are wanted are read.
   */
  list(query?: EventsQuery): Promise<readonly HistoryEntry[]>
  /** Called for each new entry at once; the result stops it. */
  onEntry(listener: (entry: HistoryEntry) => unknown): () => void
  /** What the listeners began with the entries so far is done: messages about them are on disk. */
  told(): Promise<void>
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
  /** Bounds the disk: there are three files, each of this size and one batch at the most. */
  readonly segmentBytes?: number
}

const KEEP = 100_000
const SEGMENT_BYTES = 67_108_864
const IN_MEMORY = 1000
const DEFAULT_LIMIT = 100
const HIGHEST_LIMIT = 10_000

/** Opens the history; damaged lines are skipped and logged. Errors: HS_STATE_UNREADABLE. */
export async function createHistory(options: HistoryOptions): Promise<FileHistory> {
  const logger = options.logger ?? silentLogger
  const { files, found } = await openHistoryFiles({
    stateDirectory: options.stateDirectory,
    keep: options.keep ?? KEEP,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
    inMemory: IN_MEMORY,
    logger,
  })
  if (found.damagedLines > 0)
    logger.warn(
      { lines: found.damagedLines },
      'the history has lines that are damaged; they are skipped',
    )
  const listeners = new Set<(entry: HistoryEntry) => unknown>()
  let telling: Promise<unknown> = Promise.resolve()
  let recent: HistoryEntry[] = [...found.newest]
  let lastId = found.lastId

  const trim = (): void => {
    if (recent.length < 2 * IN_MEMORY) return
    const firstWaiting = files.firstWaiting()
    const waiting = recent.findIndex(({ id }) => id >= firstWaiting)
    const excess = recent.length - IN_MEMORY
    recent = recent.slice(waiting < 0 ? excess : Math.min(excess, waiting))
  }

  return {
    record(input) {
      lastId += 1
      const entry = makeEntry(lastId, input, options.server())
      recent.push(entry)
      files.write(entry)
      trim()
      const begun = [...listeners].map((listener) => callSafely(listener, entry, logger))
      telling = Promise.all([telling, ...begun])
    },
    async list(query = {}) {
      const limit = Math.min(Math.max(query.limit ?? DEFAULT_LIMIT, 0), HIGHEST_LIMIT)
      if (limit === 0) return []
      const held = recent.filter((entry) => matches(entry, query))
      const newest = held.slice(-limit).reverse()
      const before = Math.min(query.before ?? Infinity, recent[0]?.id ?? Infinity)
      if (newest.length >= limit || before <= (query.after ?? 0) + 1) return newest
      const older = await files.find({ ...query, before }, limit - newest.length)
      return [...newest, ...older]
    },
    onEntry(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    told: () => telling.then(() => undefined),
    lastId: () => lastId,
    flush: () => files.flush(),
    close: () => files.close(),
  }
}

async function callSafely(
  listener: (entry: HistoryEntry) => unknown,
  entry: HistoryEntry,
  logger: Logger,
): Promise<void> {
  try {
    await listener(entry)
  } catch (error) {
    logger.error({ error, kind: entry.kind }, 'a listener of the history failed')
  }
}
