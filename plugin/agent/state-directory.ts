import { randomUUID } from 'node:crypto'
import { chmod, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { DAMAGED_REMEDY, codeOf, readJson, unusable, writeJsonDurably } from './durable-file.ts'
import { makeFolder } from './make-folder.ts'

const OTHERS = 0o077
const LEFT_BEHIND = /^\.[\w.-]+\.json\.\d+\.[0-9a-f]{8}$/

/** Makes the directory with mode 0700, or checks the one that is there. Errors: HS_STATE_UNREADABLE. */
export async function openStateDirectory(path: string): Promise<void> {
  await makeDirectory(path)
  await closeToOthers(path)
  await proveWritable(path)
  await removeLeftBehind(path)
}

const serverFile = z.strictObject({ serverId: z.uuid() })

/** The stable id of this installation; made on first start. Errors: HS_STATE_UNREADABLE. */
export async function openServerId(directory: string): Promise<string> {
  const path = join(directory, 'server.json')
  const found = await readJson(path)
  if (found !== null) {
    const parsed = serverFile.safeParse(found)
    if (!parsed.success) throw unusable(path, 'does not hold a server id', DAMAGED_REMEDY)
    return parsed.data.serverId
  }
  const serverId = randomUUID()
  await writeJsonDurably(path, { serverId })
  return serverId
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await makeFolder(path, 0o700)
  } catch (cause) {
    const what =
      codeOf(cause) === 'ENOTDIR' ? 'is not a directory' : `cannot be made (${codeOf(cause)})`
    throw unusable(path, what, 'Name a directory that the agent may make or owns.', cause)
  }
  if (!(await stat(path)).isDirectory())
    throw unusable(path, 'is not a directory', 'Name a directory that the agent may make or owns.')
}

/** Keys and the pair key live here: a directory that others may enter is made tight, or refused. */
async function closeToOthers(path: string): Promise<void> {
  const found = await stat(path)
  const self = process.getuid?.()
  if (self !== undefined && self !== 0 && found.uid !== self)
    throw unusable(
      path,
      `belongs to user ${found.uid}, the agent runs as ${self}`,
      `Run \`chown -R ${self} ${path}\`.`,
    )
  if ((found.mode & OTHERS) === 0) return
  try {
    await chmod(path, 0o700)
  } catch (cause) {
    throw unusable(path, 'is open to other users', `Run \`chmod 0700 ${path}\`.`, cause)
  }
}

async function proveWritable(path: string): Promise<void> {
  const probe = join(path, `.probe.${String(process.pid)}`)
  try {
    await writeFile(probe, '', { mode: 0o600 })
    await rm(probe)
  } catch (cause) {
    throw unusable(
      path,
      `cannot be written (${codeOf(cause)})`,
      'Check free space, that the disk is not read-only, and that the directory belongs to the user that the agent runs as.',
      cause,
    )
  }
}

/** Temporary files of writes that a crash cut short. */
async function removeLeftBehind(path: string): Promise<void> {
  const names = await readdir(path)
  for (const name of names.filter((each) => LEFT_BEHIND.test(each)))
    await rm(join(path, name), { force: true })
}
