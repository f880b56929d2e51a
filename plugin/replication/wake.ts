/**
 * The wake-up that comes next after this was made. It can be waited for many times: nothing stays behind from a wait
 * that has ended, as it would with a promise that is raced again and again.
 */
export class Wake {
  #hasCome = false
  #waiting: (() => void) | null = null

  come(): void {
    this.#hasCome = true
    this.#waiting?.()
  }

  /** True: it has come, before the time was over or the signal was aborted. One wait at a time. */
  within(ms: number, stop: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        stop.removeEventListener('abort', end)
        this.#waiting = null
        resolve(this.#hasCome)
      }
      const timer = setTimeout(end, ms)
      stop.addEventListener('abort', end, { once: true })
      this.#waiting = end
      if (this.#hasCome || stop.aborted) end()
    })
  }
}
