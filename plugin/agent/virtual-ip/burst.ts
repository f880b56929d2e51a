/** After a take-over: one announcement can be lost, and a port of a switch can open late. */
const FOLLOWING_MS = [50, 200, 500, 1000, 2000, 4000]

export interface Burst {
  /** Runs once and waits for it, then again after growing pauses without anyone waiting. */
  start(): Promise<void>
  stop(): void
}

export function createBurst(run: () => Promise<void>, onFailure: (error: unknown) => void): Burst {
  let timers: readonly NodeJS.Timeout[] = []
  const runSafely = () => run().catch(onFailure)
  const stop = () => {
    timers.forEach(clearTimeout)
    timers = []
  }
  return {
    async start() {
      stop()
      timers = FOLLOWING_MS.map((delayMs) => setTimeout(() => void runSafely(), delayMs).unref())
      await runSafely()
    },
    stop,
  }
}
