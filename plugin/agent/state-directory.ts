import { randomUUID } from 'node:crypto'
import { chmod, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { HotStandbyError } from '../errors.ts'
import { isLeftBehind, stateUnreadable, WRITE_REMEDY } from '../files/durable-file.ts'
import { codeOf } from '../files/error-code.ts'
import { DAMAGED_REMEDY, readJson, writeJsonDurably } from '../files/json-file.ts'
import { makeFolder } from './make-folder.ts'

const OTHERS = 0o077
const OWN_DIRECTORY = 'Name a directory that the agent may make or owns.'

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
    if (!parsed.success)
      throw stateUnreadable(`${path} does not hold a server id`, undefined, DAMAGED_REMEDY)
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
    if (codeOf(cause) === 'ENOTDIR') throw notDirectory(path)
    throw stateUnreadable(`${path} cannot be made`, cause, OWN_DIRECTORY)
  }
  if (!(await stat(path)).isDirectory()) throw notDirectory(path)
}

function notDirectory(path: string): HotStandbyError {
  return stateUnreadable(`${path} is not a directory`, undefined, OWN_DIRECTORY)
}

/** Keys and the pair key live here: a directory that others may enter is made tight, or refused. */
async function closeToOthers(path: string): Promise<void> {
  const found = await stat(path)
  const self = process.getuid?.()
  if (self !== undefined && self !== 0 && found.uid !== self)
    throw stateUnreadable(
      `${path} belongs to user ${found.uid}, the agent runs as ${self}`,
      undefined,
      `Run \`chown -R ${self} ${path}\`.`,
    )
  if ((found.mode & OTHERS) === 0) return
  try {
    await chmod(path, 0o700)
  } catch (cause) {
    throw stateUnreadable(`${path} is open to other users`, cause, `Run \`chmod 0700 ${path}\`.`)
  }
}

/** A block of its own, since a full disk may still take an empty file. */
const PROBE_BYTES = 4096

/** Writes a file and removes it again. Errors: HS_STATE_UNREADABLE. */
export async function proveWritable(path: string): Promise<void> {
  const probe = join(path, `.probe.${String(process.pid)}`)
  try {
    await writeFile(probe, Buffer.alloc(PROBE_BYTES), { mode: 0o600 })
    await rm(probe)
  } catch (cause) {
    await rm(probe, { force: true }).catch(() => undefined)
    throw stateUnreadable(`${path} cannot be written`, cause, WRITE_REMEDY)
  }
}

/** Temporary files of writes that a crash cut short. */
async function removeLeftBehind(path: string): Promise<void> {
  const names = await readdir(path)
  for (const name of names.filter(isLeftBehind)) await rm(join(path, name), { force: true })
}
