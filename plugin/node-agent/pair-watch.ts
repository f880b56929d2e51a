import type { StatusDocument } from '../api/status-document.ts'
import { CALM, type PairWatchInput, type PairWatchLimits, watchPair } from '../core/pair-alarms.ts'
import type { NotificationSettings } from '../core/settings.ts'
import type { FileHistory } from '../notification/history.ts'

const LOOK_EVERY_MS = 2000

export function watchLimits(settings: NotificationSettings): PairWatchLimits {
  return {
    unprotectedMs: settings.notProtectedAfterMinutes * 60_000,
    behindMs: settings.behindAfterSeconds * 1000,
  }
}

export interface PairWatchOptions {
  readonly status: () => StatusDocument
  readonly history: FileHistory
  readonly limits: () => PairWatchLimits
}

/** Looks at the pair every few seconds and records what lasts too long. What was said before a restart is still known. */
export async function startPairWatch(
  options: PairWatchOptions,
): Promise<{ readonly stop: () => void }> {
  const { history } = options
  let state = {
    ...CALM,
    told: (await isLast(history, 'notProtected', 'protectedAgain')) ? 1 : 0,
    behindTold: await isLast(history, 'synchronisationBehind', 'synchronisationCaughtUp'),
  }
  const look = (): void => {
    const looked = watchPair(state, pairWatchInput(options.status()), options.limits())
    state = looked.state
    for (const notice of looked.notices) history.record(notice)
  }
  const timer = setInterval(look, LOOK_EVERY_MS).unref()
  return { stop: () => clearInterval(timer) }
}

/** What of a status is watched; by the active server, or by one that does not hear the other. */
export function pairWatchInput(
  status: StatusDocument,
  now: number = performance.now(),
): PairWatchInput {
  const { health, server, peer, replication } = status
  const speaks = server.role === 'active' || peer?.heard !== true
  const isExcused = status.setUp !== 'paired' || status.maintenance !== null || !speaks
  const isProtected = health.word === 'healthy' || health.word === 'degraded'
  const isBehindHere = server.role === 'active' && peer?.heard === true
  const synchronises = health.word === 'synchronising'
  return {
    now,
    isProtected,
    unprotectedBecause:
      isExcused || isProtected ? null : `${health.meaning} ${health.action}`.trim(),
    lagMs: isBehindHere && !synchronises ? (replication.lag?.ageMs ?? null) : null,
  }
}

async function isLast(
  history: FileHistory,
  raised: 'notProtected' | 'synchronisationBehind',
  cleared: 'protectedAgain' | 'synchronisationCaughtUp',
): Promise<boolean> {
  const [[last], [end]] = await Promise.all([
    history.list({ kind: raised, limit: 1 }),
    history.list({ kind: cleared, limit: 1 }),
  ])
  return (last?.id ?? 0) > (end?.id ?? 0)
}
