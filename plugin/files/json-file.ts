import { readIfThere, stateUnreadable, writeDurably } from './durable-file.ts'

/** What to do about a file of the state directory that is there but says nothing sensible. */
export const DAMAGED_REMEDY =
  'Restore the file from a backup, or move it away and start again; without it this server starts as if it had never been active.'

/** Replaces the file durably by the value as JSON, mode 0600. Errors: HS_STATE_UNREADABLE. */
export async function writeJsonDurably(path: string, value: unknown): Promise<void> {
  await writeDurably(path, `${JSON.stringify(value, null, 2)}\n`)
}

/** The parsed file, or null when there is none. Errors: HS_STATE_UNREADABLE, which never repeats the file's text. */
export async function readJson(path: string, remedy = DAMAGED_REMEDY): Promise<unknown> {
  const text = await readIfThere(path)
  if (text === null) return null
  const value = parse(text)
  if (value === null) throw stateUnreadable(`${path} is damaged: it is not JSON`, undefined, remedy)
  return value
}

/** Null for what is not JSON, and for `null` itself, which none of our files is. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
