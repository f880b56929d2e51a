import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Response } from 'express'
import type { ChangesTurn, ChangesTurnInput } from '../plugin/api/agent-api.ts'
import type { Logger } from '../plugin/logger.ts'

export interface ChangeTurnsPorts {
  /** Asks the agent; ends when the signal aborts. Errors: HS_AGENT_UNREACHABLE. */
  readonly nextTurn: (input: ChangesTurnInput, signal: AbortSignal) => Promise<ChangesTurn>
  readonly logger: Logger
}

/** What the agent lets this process do with the changes that users make. */
export interface ChangeTurns {
  /**
   * `go`: the request is under way until it is answered; `moved`: it is to be sent to the virtual IP. A change waits while
   * the role moves.
   */
  enter(response: Response, isChange: boolean): Promise<'go' | 'moved'>
  /** Follows the agent until `stop`; safe to call twice. */
  start(): void
  stop(): Promise<void>
}

/** As long as the agent waits for us, and a little more. */
const LONGEST_QUIET_MS = 1500
/** A read may be a stream that does not end. */
const LONGEST_READ_MS = 50
const ASK_AGAIN_MS = 500

export function createChangeTurns({ nextTurn, logger }: ChangeTurnsPorts): ChangeTurns {
  let changes: ChangesTurn['changes'] = 'open'
  const underWay = { changes: 0, reads: 0 }
  const waiting = new Set<(outcome: 'go' | 'moved') => void>()
  const quietListeners = new Set<() => void>()
  let following: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null

  const begin = (response: Response, kind: keyof typeof underWay): void => {
    underWay[kind] += 1
    response.once('close', () => {
      underWay[kind] -= 1
      quietListeners.forEach((listener) => listener())
    })
  }
  const take = (next: ChangesTurn['changes']): void => {
    changes = next
    if (next === 'held') return
    for (const proceed of waiting) proceed(next === 'moved' ? 'moved' : 'go')
    waiting.clear()
  }
  const admitted = (isChange: boolean): Promise<'go' | 'moved'> => {
    if (changes === 'held' && isChange) return new Promise((resolve) => waiting.add(resolve))
    return Promise.resolve(changes === 'moved' ? 'moved' : 'go')
  }
  const quiet = async (kind: keyof typeof underWay, limitMs: number, signal: AbortSignal) => {
    if (underWay[kind] === 0) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(limit)
        signal.removeEventListener('abort', end)
        quietListeners.delete(endIfQuiet)
        resolve()
      }
      const endIfQuiet = (): void => {
        if (underWay[kind] === 0) end()
      }
      const limit = setTimeout(end, limitMs)
      signal.addEventListener('abort', end, { once: true })
      quietListeners.add(endIfQuiet)
    })
  }
  const follow = async (signal: AbortSignal): Promise<void> => {
    const process = randomUUID()
    let seen = 0
    while (!signal.aborted) {
      try {
        const turn = await nextTurn({ process, seen }, signal)
        take(turn.changes)
        if (turn.number !== seen && changes !== 'open')
          await quiet('changes', LONGEST_QUIET_MS, signal)
        // What is under way when the address goes is never answered.
        if (turn.number !== seen && changes === 'moved')
          await quiet('reads', LONGEST_READ_MS, signal)
        seen = turn.number
      } catch (error) {
        if (signal.aborted) break
        logger.debug({ error }, 'the agent does not say what to do with changes')
        // Without the agent the lock decides.
        take('open')
        seen = 0
        await pause(ASK_AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
    take('open')
  }
  return {
    async enter(response, isChange) {
      const outcome = await admitted(isChange)
      if (!response.destroyed) begin(response, isChange ? 'changes' : 'reads')
      return outcome
    },
    start() {
      if (following !== null) return
      const stop = new AbortController()
      following = { stop, ended: follow(stop.signal) }
    },
    async stop() {
      const { stop, ended } = following ?? {}
      following = null
      stop?.abort()
      await ended
    },
  }
}
