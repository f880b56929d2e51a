import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { flushFolder, stateUnreadable } from '../files/durable-file.ts'

/** A file to which lines of JSON are only ever added; mode 0600. */
export interface LineFile {
  /** Writes the lines in one go; with `flush` they are on disk when it returns. Errors: HS_STATE_UNREADABLE. */
  append(lines: readonly string[], flush: boolean): Promise<void>
  close(): Promise<void>
}

/** Opens or makes the file. A last line that a power cut tore is ended, so that it cannot spoil the next one. */
export async function openLineFile(path: string): Promise<LineFile> {
  let handle: FileHandle
  try {
    handle = await open(path, 'a+', 0o600)
    await endTornLine(handle)
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
    },
    close: () => handle.close(),
  }
}

/** Every line's document in order, null for a line that is not one. A missing file has none. Errors: HS_STATE_UNREADABLE. */
export async function* readLines(path: string): AsyncGenerator {
  const input = createReadStream(path, 'utf8')
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (line !== '') yield parsed(line)
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
    throw stateUnreadable(`${path} cannot be read`, cause)
  } finally {
    input.destroy()
  }
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
