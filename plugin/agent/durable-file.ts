import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HotStandbyError } from '../errors.ts'

/** Replaces the file so that after a crash or power cut it is the old or the new one, whole. Mode 0600. */
export async function writeJsonDurably(path: string, value: unknown): Promise<void> {
  const temporary = join(
    dirname(path),
    `.${basename(path)}.${String(process.pid)}.${randomBytes(4).toString('hex')}`,
  )
  try {
    await writeSynced(temporary, `${JSON.stringify(value, null, 2)}\n`)
    await rename(temporary, path)
    await syncFolder(dirname(path)) // a rename that is not on disk yet is undone by a power cut
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw unusable(path, `cannot be written (${codeOf(cause)})`, WRITE_REMEDY, cause)
  }
}

/** The parsed file, or null when there is none. Errors: HS_STATE_UNREADABLE. */
export async function readJson(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null
    throw unusable(path, `cannot be read (${codeOf(cause)})`, READ_REMEDY, cause)
  }
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw unusable(path, 'is not JSON', DAMAGED_REMEDY, cause)
  }
}

/** HS_STATE_UNREADABLE for one file or folder: which, why, and what to do. */
export function unusable(
  path: string,
  what: string,
  remedy: string,
  cause?: unknown,
): HotStandbyError {
  return new HotStandbyError(
    'HS_STATE_UNREADABLE',
    { reason: `${path} ${what}`, remedy, path },
    { cause },
  )
}

/** The `errno` name of a system error, for a reason that is short and holds no stack. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'unknown error'
}

export const DAMAGED_REMEDY =
  'Restore the file from a backup, or move it away and start again; without it this server starts as if it had never been active.'
const READ_REMEDY = 'Give the file to the user that the agent runs as, with mode 0600.'
const WRITE_REMEDY =
  'Check free space, that the disk is not read-only, and that the folder belongs to the user that the agent runs as.'

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
