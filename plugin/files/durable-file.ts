import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HotStandbyError } from '../errors.ts'

/** What to do when a file of the state directory cannot be read. */
export const READ_REMEDY = 'Give the file to the user that the agent runs as, with mode 0600.'
/** What to do when a file of the state directory cannot be written. */
export const WRITE_REMEDY =
  'Check free space, that the disk is not read-only, and that the folder belongs to the user that the agent runs as.'

const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/

/** Whether the name is one of a write that a crash cut short: nobody needs that file any more. */
export function isLeftBehind(name: string): boolean {
  return TEMPORARY.test(name)
}

/**
 * Replaces a file as a whole: written beside it with mode 0600, flushed to disk, renamed, folder flushed. After a power
 * cut there is the old file or the new one, never half of either. Errors: HS_STATE_UNREADABLE.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeFlushed(temporary, text)
    await rename(temporary, path)
    await flushFolder(folder)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw stateUnreadable(`${path} cannot be written`, cause, WRITE_REMEDY)
  }
}

/** The text of a file, null when there is none. Errors: HS_STATE_UNREADABLE. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return null
    throw stateUnreadable(`${path} cannot be read`, cause, READ_REMEDY)
  }
}

/** Removes a file for good; none there is fine too. Errors: HS_STATE_UNREADABLE. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
    await flushFolder(dirname(path))
  } catch (cause) {
    if (isMissing(cause)) return
    throw stateUnreadable(`${path} cannot be removed`, cause, WRITE_REMEDY)
  }
}

/** HS_STATE_UNREADABLE with the operating system's word for what is wrong (`EACCES`), which names the remedy best. */
export function stateUnreadable(reason: string, cause: unknown, remedy?: string): HotStandbyError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return new HotStandbyError(
    'HS_STATE_UNREADABLE',
    {
      reason: code === undefined ? reason : `${reason} (${code})`,
      ...(remedy === undefined ? {} : { remedy }),
    },
    { cause },
  )
}

/** Flushes a folder, so that files made, renamed or removed in it stay so after a power cut. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function writeFlushed(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT'
}
