import { delay } from '../db/delay.ts'
import type { EngineParts } from './engine-parts.ts'
import { saveRole, setCaptureMode } from './queries/state.ts'

const RETRY_MS = 1000

/**
 * The lock comes before anything else, and the database may be away now: a standby that cannot be locked does not follow,
 * and nobody can write to it either. Tries until it works or is not wanted any more.
 */
export async function lockStandby(
  { local, schema, logger }: Pick<EngineParts, 'local' | 'schema' | 'logger'>,
  wanted: {
    readonly serverId: string
    readonly activeName: string
    readonly isWanted: () => boolean
    readonly stop: AbortSignal
  },
): Promise<void> {
  const { serverId, activeName, isWanted, stop } = wanted
  while (isWanted()) {
    try {
      await local.run(async (db) => {
        await saveRole(db, schema, { serverId, role: 'standby', activeName })
        await setCaptureMode(db, schema, 'locked')
      })
      return
    } catch (error) {
      logger.warn({ error: String(error) }, 'the standby could not be locked yet')
      await delay(RETRY_MS, stop)
    }
  }
}
