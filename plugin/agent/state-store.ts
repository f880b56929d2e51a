import { join } from 'node:path'
import { z } from 'zod'
import { stateUnreadable } from '../files/durable-file.ts'
import { readJson, writeJsonDurably } from '../files/json-file.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { proveWritable } from './state-directory.ts'
import type { DurableState, StateStore } from './agent-ports.ts'

/** An older file would tell of a role that the other server may have taken since. */
const REMEDY =
  'Move the file away and start again: this server then starts as if it had never been active, and follows the other one. Do not restore an older file.'

const durableState = z.strictObject({
  term: z.int().min(0),
  wasActive: z.boolean(),
  dataInSync: z.boolean(),
  modes: z.strictObject({
    version: z.int().min(0),
    maintenanceUntilMs: z.union([z.int(), z.literal('open')]).nullable(),
    synchronisationPaused: z.boolean(),
    automatic: z.enum(['on', 'off', 'held']),
  }),
  roleChangesMs: z.array(z.int()),
})

/** `state.json` of the state directory; saves happen strictly one after the other. */
export function createStateStore(directory: string, logger: Logger = silentLogger): StateStore {
  const path = join(directory, 'state.json')
  let last: Promise<void> = Promise.resolve()
  let failing = false
  return {
    load: () => load(path),
    save(state: DurableState): Promise<void> {
      const saved = last.then(() => writeJsonDurably(path, durableState.parse(state)))
      last = saved.catch(() => undefined) // the caller hears of it; the next save is tried all the same
      return saved
    },
    async prove() {
      try {
        await proveWritable(directory)
        failing = false
      } catch (error) {
        // Once: the event says that it cannot be written to, and this says why.
        if (!failing) logger.error({ reason: (error as Error).message }, 'the disk failed a trial')
        failing = true
        throw error
      }
    },
  }
}

async function load(path: string): Promise<DurableState | null> {
  const found = await readJson(path, REMEDY)
  if (found === null) return null
  const parsed = durableState.safeParse(found)
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || '(all)').join(', ')
  throw stateUnreadable(`${path} has wrong fields: ${fields}`, undefined, REMEDY)
}
