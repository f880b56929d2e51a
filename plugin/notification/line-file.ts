import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { flushFolder, stateUnreadable } from '../files/durable-file.ts'
import type { LinePlace } from './history-index.ts'

/** A file to which lines of JSON are only ever added; mode 0600. */
export interface LineFile {
  /** Writes the lines in one go; with `flush` they are on disk when it returns. Errors: HS_STATE_UNREADABLE. */
  append(lines: readonly string[], flush: boolean): Promise<readonly LinePlace[]>
  /** How large the file is now. */
  bytes(): number
  close(): Promise<void>
}

/** One line of a file: where it is, and its document; null when it is none. */
export interface Line extends LinePlace {
  readonly document: unknown
}

const NEW_LINE = 0x0a
/** Lines so near to each other are read in one go. */
const NEAR_BYTES = 65_536
const LONGEST_READ_BYTES = 4_194_304

/** Opens or makes the file. A last line that a power cut tore is ended, so that it cannot spoil the next one. */
export async function openLineFile(path: string): Promise<LineFile> {
  let handle: FileHandle
  let bytes: number
  try {
    handle = await open(path, 'a+', 0o600)
    await endTornLine(handle)
    bytes = (await handle.stat()).size
    await flushFolder(dirname(path))
  } catch (cause) {
    throw stateUnreadable(`${path} cannot be opened`, cause)
  }
  return {
    async append(lines, flush) {
      try {
        await handle.appendFile(lines.map((line) => `${line}\n`).join(''))
        if (flush) await handle.datasync()
      } catch (cause) {
        throw stateUnreadable(`${path} cannot be written`, cause)
      }
      return lines.map((line) => {
        const place = { offset: bytes, length: Buffer.byteLength(line) }
        bytes += place.length + 1
        return place
      })
    },
    bytes: () => bytes,
    close: () => handle.close(),
  }
}

/** Every line in order. A missing file has none. Errors: HS_STATE_UNREADABLE. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const input = createReadStream(path, { highWaterMark: 1_048_576 })
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let start = 0
      for (;;) {
        const end = data.indexOf(NEW_LINE, start)
        if (end < 0) break
        if (end > start) yield lineOf(data.subarray(start, end), offset + start)
        start = end + 1
      }
      rest = data.subarray(start)
      offset += start
    }
    if (rest.length > 0) yield lineOf(rest, offset)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
    throw stateUnreadable(`${path} cannot be read`, cause)
  } finally {
    input.destroy()
  }
}

/** The documents at these places, in the same order; null where there is none. Errors: HS_STATE_UNREADABLE. */
export async function readPlaces(
  path: string,
  places: readonly LinePlace[],
): Promise<readonly unknown[]> {
  if (places.length === 0) return []
  const texts = new Map<number, unknown>()
  let handle: FileHandle | null = null
  try {
    handle = await open(path, 'r')
    for (const group of groupsOf([...places].sort((a, b) => a.offset - b.offset)))
      await readGroup(handle, group, texts)
  } catch (cause) {
    throw stateUnreadable(`${path} cannot be read`, cause)
  } finally {
    await handle?.close()
  }
  return places.map(({ offset }) => texts.get(offset) ?? null)
}

async function readGroup(
  handle: FileHandle,
  group: readonly LinePlace[],
  texts: Map<number, unknown>,
): Promise<void> {
  const [first, last] = [group[0], group.at(-1)]
  if (first === undefined || last === undefined) return
  const data = Buffer.alloc(last.offset + last.length - first.offset)
  await handle.read(data, 0, data.length, first.offset)
  for (const { offset, length } of group) {
    const start = offset - first.offset
    texts.set(offset, parsed(data.toString('utf8', start, start + length)))
  }
}

function groupsOf(places: readonly LinePlace[]): readonly (readonly LinePlace[])[] {
  const groups: LinePlace[][] = []
  for (const place of places) {
    const group = groups.at(-1)
    const [first, last] = [group?.[0], group?.at(-1)]
    const isNear =
      first !== undefined &&
      last !== undefined &&
      place.offset - last.offset - last.length <= NEAR_BYTES &&
      place.offset + place.length - first.offset <= LONGEST_READ_BYTES
    if (isNear) group?.push(place)
    else groups.push([place])
  }
  return groups
}

function lineOf(line: Buffer, offset: number): Line {
  return { offset, length: line.length, document: parsed(line.toString('utf8')) }
}

async function endTornLine(handle: FileHandle): Promise<void> {
  const { size } = await handle.stat()
  if (size === 0) return
  const last = Buffer.alloc(1)
  await handle.read(last, 0, 1, size - 1)
  if (last.toString() !== '\n') await handle.appendFile('\n')
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
