import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 25

/** Thrown by `ask`: waiting on makes no sense. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless'
}

/** Asks until there is an answer other than undefined, null or false; an Error with what was awaited when it is too late. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  limitMs: number,
): Promise<NonNullable<T>> {
  const startedAt = performance.now()
  let lastError: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== null && answer !== false) return answer
      lastError = undefined
    } catch (thrown) {
      if (thrown instanceof Hopeless) throw thrown
      lastError = thrown
    }
    if (performance.now() - startedAt > limitMs) {
      const why = lastError instanceof Error ? ` (last error: ${lastError.message})` : ''
      throw new Error(`no ${what} within ${limitMs / 1000} s${why}`, { cause: lastError })
    }
    await delay(POLL_MS)
  }
}
