import { delay } from '../db/delay.ts'
import { describeSqlError } from '../db/sql-state.ts'
import type { Logger } from '../logger.ts'

const LOOK_MS = 5000
/** After a sign of bypassed capture: the tables named are copied first, then everything is compared. */
const SETTLE_MS = 10_000

export interface CheckScheduleInput {
  /** `HH:MM` of this server's own time, or `never`. */
  readonly at: string
  readonly logger: Logger
  /** Compares; null when this server follows nobody now. */
  readonly check: () => Promise<unknown> | null
  readonly now: () => number
}

/** Compares the standby with the active once a day, and soon after capture was bypassed. */
export class CheckSchedule {
  readonly #input: CheckScheduleInput
  readonly #stop = new AbortController()
  #running: Promise<void> | null = null
  #due: number | null = null
  #day: string

  constructor(input: CheckScheduleInput) {
    this.#input = input
    // What was missed while the agent was off is not caught up with: the next night will do.
    this.#day = isPast(input.at, new Date(input.now())) ? dayOf(new Date(input.now())) : ''
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Something was seen that may have left differences behind. */
  soon(): void {
    this.#due ??= this.#input.now() + SETTLE_MS
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await delay(LOOK_MS, this.#stop.signal)
      if (this.#stop.signal.aborted || !this.#isDue()) continue
      const checking = this.#input.check()
      if (checking === null) continue
      this.#due = null
      await checking.catch((error: unknown) => {
        if (this.#stop.signal.aborted) return
        this.#input.logger.warn(
          { reason: describeSqlError(error) },
          'the check of both servers failed',
        )
      })
    }
  }

  #isDue(): boolean {
    const now = new Date(this.#input.now())
    if (this.#due !== null && now.getTime() >= this.#due) return true
    if (!isPast(this.#input.at, now) || this.#day === dayOf(now)) return false
    this.#day = dayOf(now)
    this.#due = now.getTime()
    return true
  }
}

function isPast(at: string, now: Date): boolean {
  const [hours, minutes] = at.split(':').map(Number)
  if (hours === undefined || minutes === undefined) return false
  return now.getHours() * 60 + now.getMinutes() >= hours * 60 + minutes
}

function dayOf(now: Date): string {
  return now.toDateString()
}
