import type { Clock } from './agent-ports.ts'

/** Resolves with the promise, or when the time is over; whoever must know which one looks himself. */
export function within(clock: Clock, limitMs: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(limitMs, resolve)
    void promise.then(() => {
      cancel()
      resolve()
    })
  })
}

/** Resolves once the condition holds; it is looked at after every change. */
export function until(
  onChange: (listener: () => void) => () => void,
  holds: () => boolean,
): Promise<void> {
  if (holds()) return Promise.resolve()
  return new Promise((resolve) => {
    const end = onChange(() => {
      if (!holds()) return
      end()
      resolve()
    })
  })
}
