import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../files/error-code.ts'

/**
 * Makes a folder and what is missing above it. Node's own `recursive` never ends where a file system refuses new
 * names with ENOENT, as /proc does.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const code = await tryToMake(path, mode)
  if (code !== 'ENOENT' || dirname(path) === path) return
  await makeFolder(dirname(path), mode)
  await mkdir(path, { mode })
}

async function tryToMake(path: string, mode: number): Promise<string | null> {
  try {
    await mkdir(path, { mode })
    return null
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'EEXIST') return code
    throw error
  }
}
