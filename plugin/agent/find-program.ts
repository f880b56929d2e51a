import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Where a program would be started from, as `spawn` looks for it; null when it would not start. */
export async function findProgram(
  program: string,
  searchPath = process.env['PATH'] ?? '',
): Promise<string | null> {
  const places = program.includes('/')
    ? [program]
    : searchPath
        .split(delimiter)
        .filter((folder) => folder !== '')
        .map((folder) => join(folder, program))
  for (const place of places) if (await isProgram(place)) return place
  return null
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
