import { delay } from '../db/delay.ts'
import type { ApplyContext } from './batch.ts'
import type { Following } from './following.ts'
import { backendPid, blockedBy, endSession } from './queries/blocking.ts'
import { NotReadyError } from './replication-error.ts'

const LOOK_MS = 500
/** A migration of the platform may wait this long for a copy, not as long as the copy takes. */
const PATIENCE_MS = 2000
/** After so many times the copy goes through with it, or it would never be done. */
const MAX_GIVEN_WAY = 5

/**
 * Runs a copy, which holds locks on every table of the active, and breaks it off when somebody waits for one of them:
 * everyone else who uses that table would wait behind. Errors: NotReadyError when it gave way.
 */
export async function givingWay<Result>(
  context: ApplyContext,
  following: Following,
  copy: () => Promise<Result>,
): Promise<Result> {
  if (following.gaveWay >= MAX_GIVEN_WAY) return copy()
  const done = new AbortController()
  const pid = await backendPid(context.reader)
  const watch = watchBlocked(context, pid, done.signal)
  try {
    const result = await copy()
    following.gaveWay = 0
    return result
  } catch (error) {
    done.abort()
    if (!(await watch)) throw error
    following.gaveWay++
    throw new NotReadyError('the copy gave way to a change of the schema; it begins again')
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
