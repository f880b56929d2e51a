import { join } from 'node:path'
import { z } from 'zod'
import { removeDurably, stateUnreadable } from '../files/durable-file.ts'
import { readJson, writeJsonDurably } from '../files/json-file.ts'
import type { PeerRecord } from '../ports.ts'

const REMEDY =
  'Restore peer.json from a backup, or remove it and pair the servers again: `hot-standby access-code` on the ' +
  'primary, `hot-standby join` on the secondary.'

const schema = z.object({
  serverId: z.string().min(1),
  serialNumber: z.string(),
  address: z.string().min(1),
  port: z.int().min(1).max(65535),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  pairKey: z.base64().refine((key) => Buffer.from(key, 'base64').length === 32),
  pairedAt: z.string(),
  startsPair: z.boolean(),
})

/** Who this server is paired with; null when with nobody. Errors: HS_STATE_UNREADABLE, which never repeats the file's text. */
export async function readPeerRecord(stateDirectory: string): Promise<PeerRecord | null> {
  const path = pathOf(stateDirectory)
  const found = await readJson(path, REMEDY)
  if (found === null) return null
  const result = schema.safeParse(found)
  if (result.success) return Object.freeze(result.data)
  const field = result.error.issues[0]?.path.join('.')
  throw stateUnreadable(
    field === undefined || field === ''
      ? `${path} is damaged`
      : `${path} is damaged: ${field} is not valid`,
    undefined,
    REMEDY,
  )
}

/** Durable when it returns; mode 0600. */
export async function writePeerRecord(stateDirectory: string, record: PeerRecord): Promise<void> {
  const checked = schema.parse(record)
  await writeJsonDurably(pathOf(stateDirectory), checked)
}

/** The pair is dissolved: forgets the peer and the pair key. */
export async function removePeerRecord(stateDirectory: string): Promise<void> {
  await removeDurably(pathOf(stateDirectory))
}

function pathOf(stateDirectory: string): string {
  return join(stateDirectory, 'peer.json')
}
