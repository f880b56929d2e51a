import { setTimeout as delay } from 'node:timers/promises'
import type { HistoryEntry, StatusDocument } from '../api/status-document.ts'
import { toHotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { AgentPort } from './agent-port.ts'

/** What the agent says, shared by all pages of this process. */
export interface StatusWatch {
  /** At most half a second old. Errors: HS_AGENT_UNREACHABLE and others of the agent. */
  current(): Promise<StatusDocument>
  /** Asks the agent now, for a page that may follow a change. Errors: as `current`. */
  fresh(): Promise<StatusDocument>
  /** What is known at once, for a page that must not wait; asks again behind it when it is old. */
  known(): KnownStatus
  /** Calls back for each event until the returned function is called. */
  subscribe(listener: (event: WatchEvent) => void): () => void
  /** Follows the agent until `stop`; safe to call twice. */
  start(): void
  stop(): Promise<void>
}

export interface KnownStatus {
  readonly status: StatusDocument | null
  /** Null before the first answer. */
  readonly reachable: boolean | null
}

export type WatchEvent =
  | { readonly type: 'status'; readonly status: StatusDocument }
  | { readonly type: 'history'; readonly entry: HistoryEntry }
  | { readonly type: 'unreachable' }

const LONGEST_AGE_MS = 500
const RECONNECT_MS = 500

/** Keeps the last status, however many pages, locks and streams want it. */
export function createStatusWatch(agent: AgentPort, logger: Logger): StatusWatch {
  const listeners = new Set<(event: WatchEvent) => void>()
  let status: StatusDocument | null = null
  let reachable: boolean | null = null
  let heardAt = -Infinity
  let asking: Promise<StatusDocument> | null = null
  let following: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null
  let started = false

  const tell = (event: WatchEvent): void => {
    for (const listener of listeners) callSafely(listener, event, logger)
  }
  const heard = (next: StatusDocument): void => {
    status = next
    reachable = true
    heardAt = performance.now()
    tell({ type: 'status', status: next })
  }
  const lost = (thrown: unknown): void => {
    const wasReachable = reachable
    reachable = false
    heardAt = -Infinity
    if (wasReachable === false) return
    logger.warn({ code: toHotStandbyError(thrown).code }, 'the agent does not answer')
    tell({ type: 'unreachable' })
  }
  const fresh = async (): Promise<StatusDocument> => {
    try {
      const next = await agent.as(null).status()
      heard(next)
      return next
    } catch (thrown) {
      lost(thrown)
      throw thrown
    }
  }
  const ask = (): Promise<StatusDocument> => {
    asking ??= fresh().finally(() => {
      asking = null
    })
    return asking
  }
  const isFresh = (): boolean => performance.now() - heardAt <= LONGEST_AGE_MS
  const askQuietly = (): void => void ask().catch(() => undefined)

  const follow = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await agent.follow(
        { status: heard, history: (entry) => tell({ type: 'history', entry }) },
        signal,
      )
      if (signal.aborted) return
      await ask().catch(() => undefined)
      await delay(RECONNECT_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
  const startFollowing = (): void => {
    if (following !== null) return
    const stop = new AbortController()
    following = { stop, ended: follow(stop.signal) }
  }
  const stopFollowing = async (): Promise<void> => {
    const { stop, ended } = following ?? {}
    following = null
    stop?.abort()
    await ended
  }

  return {
    current: async () => (status !== null && isFresh() ? status : await ask()),
    fresh,
    known() {
      if (!isFresh()) askQuietly()
      return { status, reachable }
    },
    subscribe(listener) {
      listeners.add(listener)
      startFollowing()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && !started) void stopFollowing()
      }
    },
    start() {
      started = true
      startFollowing()
    },
    async stop() {
      started = false
      listeners.clear()
      await stopFollowing()
    },
  }
}

function callSafely(
  listener: (event: WatchEvent) => void,
  event: WatchEvent,
  logger: Logger,
): void {
  try {
    listener(event)
  } catch (error) {
    logger.error({ error }, 'a listener of the hot standby status failed')
  }
}
