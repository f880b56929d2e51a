import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventsQuery } from '../api/agent-api.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { stateUnreadable } from '../files/durable-file.ts'
import type { Logger } from '../logger.ts'
import { createNameTable, createSegmentIndex, type SegmentIndex } from './history-index.ts'
import { toEntry } from './history-entry.ts'
import { type LineFile, openLineFile, readLines, readPlaces } from './line-file.ts'

/** The history on disk: three files, the newest of them written to; an index in memory says where each entry is. */
export interface HistoryFiles {
  /** Written with the next turn of the disk, in this order. */
  write(entry: HistoryEntry): void
  /** Entries that match, newest first; only those that are on disk. */
  find(query: EventsQuery, limit: number): Promise<readonly HistoryEntry[]>
  /** The id of the first entry that is not on disk yet; Infinity when all are. */
  firstWaiting(): number
  flush(): Promise<void>
  close(): Promise<void>
}

export interface FoundOnDisk {
  readonly newest: readonly HistoryEntry[]
  /** Ids up to this one were given out. */
  readonly lastId: number
  readonly damagedLines: number
}

export interface HistoryFilesOptions {
  readonly stateDirectory: string
  /** So many of the newest entries are kept at least; half as many more at the most. */
  readonly keep: number
  /** A file is full at this size even when it has fewer entries than its share. */
  readonly segmentBytes: number
  readonly inMemory: number
  readonly logger: Logger
}

const WAITING_AT_MOST = 10_000

/** Opens the files and reads them once, for the index. Errors: HS_STATE_UNREADABLE. */
export async function openHistoryFiles(
  options: HistoryFilesOptions,
): Promise<{ readonly files: HistoryFiles; readonly found: FoundOnDisk }> {
  const { logger } = options
  const paths = segmentPaths(options.stateDirectory)
  const [oldestPath, olderPath, currentPath] = paths
  const names = createNameTable()
  const { indexes, found } = await readSegments(paths, () => createSegmentIndex(names), options)
  const segmentLines = Math.ceil(options.keep / 2)
  let file: LineFile | null = await openLineFile(currentPath)
  let waiting: readonly HistoryEntry[] = []
  let work: Promise<unknown> = Promise.resolve()
  let closed = false

  const rotate = async (): Promise<void> => {
    await file?.close()
    file = null
    try {
      await renameIfThere(olderPath, oldestPath)
      await renameIfThere(currentPath, olderPath)
    } catch (cause) {
      throw stateUnreadable(`${currentPath} cannot be renamed`, cause)
    }
    indexes.shift()
    indexes.push(createSegmentIndex(names))
  }
  const writeWaiting = async (): Promise<void> => {
    if (waiting.length === 0 || closed) return
    const batch = waiting
    try {
      file ??= await openLineFile(currentPath)
      const isFull = (indexes.at(-1)?.count() ?? 0) >= segmentLines
      if (isFull || file.bytes() >= options.segmentBytes) await rotate()
      file ??= await openLineFile(currentPath)
      const places = await file.append(
        batch.map((entry) => JSON.stringify(entry)),
        batch.some(isUrgent),
      )
      places.forEach((place, at) => {
        const entry = batch[at]
        if (entry !== undefined) indexes.at(-1)?.add(entry, place)
      })
      waiting = waiting.slice(batch.length)
    } catch (error) {
      // Opened anew the next time: how much of the batch was written is not known.
      await file?.close().catch(() => undefined)
      file = null
      waiting = waiting.slice(-WAITING_AT_MOST)
      logger.error({ error, waiting: waiting.length }, 'the history cannot be written')
    }
  }
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const done = work.then(run)
    work = done.catch(() => undefined)
    return done
  }
  const readMatching = async (
    query: EventsQuery,
    limit: number,
  ): Promise<readonly HistoryEntry[]> => {
    const entries: HistoryEntry[] = []
    for (let segment = indexes.length - 1; segment >= 0; segment -= 1) {
      const places = indexes[segment]?.find(query, limit - entries.length) ?? []
      const documents = await readPlaces(paths[segment] ?? currentPath, places)
      entries.push(...documents.map(toEntry).filter((entry) => entry !== null))
      if (entries.length >= limit) break
    }
    return entries
  }
  const files: HistoryFiles = {
    write(entry) {
      waiting = [...waiting, entry]
      void inTurn(writeWaiting)
    },
    // In turn with the writer, so that no file is renamed between index and reading.
    find: (query, limit) => inTurn(() => readMatching(query, limit)),
    firstWaiting: () => waiting[0]?.id ?? Infinity,
    flush: () => inTurn(writeWaiting),
    async close() {
      await inTurn(writeWaiting)
      closed = true
      const open = file
      file = null
      await open?.close()
    },
  }
  return { files, found }
}

/** Oldest first; the last one is written to. */
function segmentPaths(stateDirectory: string): readonly [string, string, string] {
  const path = (name: string): string => join(stateDirectory, name)
  return [path('history.2.jsonl'), path('history.1.jsonl'), path('history.jsonl')]
}

async function readSegments(
  paths: readonly string[],
  newIndex: () => SegmentIndex,
  { inMemory }: HistoryFilesOptions,
): Promise<{ readonly indexes: SegmentIndex[]; readonly found: FoundOnDisk }> {
  const indexes: SegmentIndex[] = []
  let newest: HistoryEntry[] = []
  let [lastId, lines, damagedLines] = [0, 0, 0]
  for (const path of paths) {
    const index = newIndex()
    indexes.push(index)
    for await (const line of readLines(path)) {
      lines += 1
      const entry = toEntry(line.document)
      if (entry === null) {
        damagedLines += 1
        continue
      }
      index.add(entry, line)
      lastId = Math.max(lastId, entry.id)
      newest.push(entry)
      if (newest.length > 2 * inMemory) newest = newest.slice(-inMemory)
    }
  }
  // A damaged line had an id too, which must not be given out again.
  const highest = lines === 0 ? 0 : Math.max(lastId + damagedLines, lines)
  return {
    indexes,
    found: { newest: newest.slice(-inMemory), lastId: highest, damagedLines },
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
