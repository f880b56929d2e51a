import type { Logger } from '../logger.ts'
import type { ChangesTurn, ChangesTurnInput } from '../api/agent-api.ts'
import type { ChangePort } from './agent-ports.ts'

/** A call that waits for the next turn is answered after this time at the latest, so that a lost process is forgotten. */
const LONGEST_CALL_MS = 5000
/** Changes under way are given this long; who is not done then meets the lock of the database. */
const HOLD_LIMIT_MS = 1000
const REDIRECT_LIMIT_MS = 100

interface Waiting {
  readonly process: string
  readonly answer: () => void
}

/**
 * Keeps the changes of all web processes back while the role moves. Each process waits in a call for the next turn; with
 * its next call, which names the turn it has seen, it says that it has done what the turn asks of it.
 */
export class ChangeGate implements ChangePort {
  private readonly logger: Logger
  private turn: ChangesTurn = { number: 1, changes: 'open' }
  private readonly waiting = new Set<Waiting>()
  /** Processes that were told of this turn and have not come back. */
  private readonly owing = new Set<string>()
  private allDone: () => void = () => undefined

  constructor(logger: Logger) {
    this.logger = logger
  }

  /** Answers when there is another turn than the one that the process has seen, or after a while. */
  async next({ process, seen }: ChangesTurnInput): Promise<ChangesTurn> {
    if (seen === this.turn.number) {
      this.settle(process)
      await this.another(process)
    }
    return this.turn
  }

  hold(): Promise<void> {
    return this.begin('held', HOLD_LIMIT_MS)
  }

  redirect(): Promise<void> {
    return this.begin('moved', REDIRECT_LIMIT_MS)
  }

  open(): void {
    if (this.turn.changes !== 'open') void this.begin('open', 0)
  }

  private async begin(changes: ChangesTurn['changes'], limitMs: number): Promise<void> {
    this.turn = { number: this.turn.number + 1, changes }
    this.allDone()
    this.owing.clear()
    for (const { process, answer } of [...this.waiting]) {
      this.owing.add(process)
      answer()
    }
    if (limitMs === 0 || this.owing.size === 0) return
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => {
        this.logger.warn(
          { changes, processes: this.owing.size, limitMs },
          'web processes have changes under way that do not end in time',
        )
        resolve()
      }, limitMs)
      this.allDone = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }

  private settle(process: string): void {
    if (this.owing.delete(process) && this.owing.size === 0) this.allDone()
  }

  private another(process: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = {
        process,
        answer: () => {
          clearTimeout(limit)
          this.waiting.delete(waiting)
          resolve()
        },
      }
      const limit = setTimeout(waiting.answer, LONGEST_CALL_MS).unref()
      this.waiting.add(waiting)
    })
  }
}
