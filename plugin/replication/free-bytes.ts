import { statfs } from 'node:fs/promises'

/** Room on the disk of a folder; null where the folder is not known, not ours to see, or on another machine. */
export async function freeBytes(folder: string | null): Promise<number | null> {
  const found = folder === null ? null : await statfs(folder).catch(() => null)
  return found === null ? null : found.bavail * found.bsize
}
