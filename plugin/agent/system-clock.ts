import type { Clock } from './agent-ports.ts'

/** The machine's monotonic clock. */
export function createSystemClock(): Clock {
  return {
    now: () => performance.now(),
    schedule(delayMs, run) {
      let immediate: NodeJS.Immediate | null = null
      // After a stall timers fire before sockets are read; an immediate runs after both, so that
      // nobody decides on silence while the peer's packets wait in the socket's buffer.
      const timer = setTimeout(() => {
        immediate = setImmediate(run)
      }, delayMs)
      timer.unref()
      return () => {
        clearTimeout(timer)
        if (immediate !== null) clearImmediate(immediate)
      }
    },
  }
}
