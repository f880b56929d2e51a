import { delay } from '../db/delay.ts'
import type { ApplyContext } from './batch.ts'
import { backendPid, blockedBy, endSession } from './queries/blocking.ts'

const LOOK_MS = 500
/** A migration of the platform may wait this long for a copy, not as long as the copy takes. */
const PATIENCE_MS = 2000

/** A copy was broken off because somebody waited for one of its locks. */
export class GaveWay extends Error {
  constructor() {
    super('a session waited for a lock that the copy held')
  }
}

/**
 * Runs a copy, which holds locks on every table of the active, and breaks it off when somebody waits for one of them:
 * everyone else who uses that table would wait behind. Errors: GaveWay.
 */
export async function givingWay<Result>(
  context: ApplyContext,
  copy: () => Promise<Result>,
): Promise<Result> {
  const done = new AbortController()
  const pid = await backendPid(context.reader)
  const watch = watchBlocked(context, pid, done.signal)
  try {
    return await copy()
  } catch (error) {
    done.abort()
    if (!(await watch)) throw error
    throw new GaveWay()
  } finally {
    done.abort()
    await watch
  }
}

/** True when the copy was broken off. */
async function watchBlocked(
  context: ApplyContext,
  pid: string,
  done: AbortSignal,
): Promise<boolean> {
  let since: number | null = null
  while (!done.aborted) {
    await delay(LOOK_MS, done)
    if (done.aborted) return false
    const blocked = await blockedBy(context.ticker, pid).catch(() => false)
    if (!blocked) since = null
    else if (since === null) since = Date.now()
    else if (Date.now() - since >= PATIENCE_MS && !done.aborted) {
      // The whole session and not a statement: between two statements there is nothing to cancel.
      await endSession(context.ticker, pid).catch(() => undefined)
      return true
    }
  }
  return false
}
