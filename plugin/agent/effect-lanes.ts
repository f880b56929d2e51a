import type { EffectType } from '../core/effect.ts'
import type { Clock } from './agent-ports.ts'

/**
 * Effects of one lane run strictly one after the other; lanes do not wait for each other. So dropping or renewing the
 * address never queues behind a database or a service. Where order across lanes matters (term on disk before the
 * address is raised) the core waits for the outcome of the first before it asks for the second.
 */
export type LaneName =
  | 'address'
  | 'announcement'
  | 'probe'
  | 'reference'
  | 'witness'
  | 'disk'
  | 'data'
  | 'service'
  | 'peer'

export interface Work {
  readonly effect: EffectType
  readonly run: () => Promise<void>
  readonly limitMs: number
  readonly settled: (failure: string | null) => void
}

/** After its limit a work counts as failed; a lane that keeps order waits this much longer for it to end. */
const PATIENCE = 3

export class Lane {
  private readonly clock: Clock
  private readonly keepsOrder: boolean
  private readonly waiting: Work[] = []
  private running: Work | null = null
  private readonly idleListeners: (() => void)[] = []

  /** `keepsOrder`: a work that ran out of time still blocks the next one for a while, lest it finishes after it. */
  constructor(clock: Clock, keepsOrder: boolean) {
    this.clock = clock
    this.keepsOrder = keepsOrder
  }

  push(work: Work): void {
    this.waiting.push(work)
    this.next()
  }

  /** Forgets works that have not begun; their outcome is a failure. */
  discard(effects: readonly EffectType[], reason: string): void {
    for (const work of this.waiting.filter((one) => effects.includes(one.effect))) {
      this.waiting.splice(this.waiting.indexOf(work), 1)
      work.settled(reason)
    }
  }

  isWaiting(effect: EffectType): boolean {
    return this.waiting.some((work) => work.effect === effect)
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.running === null && this.waiting.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.idleListeners.push(resolve))
  }

  private next(): void {
    if (this.running !== null) return
    const work = this.waiting.shift()
    if (work === undefined) {
      this.idleListeners.splice(0).forEach((resolve) => resolve())
      return
    }
    this.running = work
    this.execute(work)
  }

  private execute(work: Work): void {
    let reported = false
    const report = (failure: string | null): void => {
      if (reported) return
      reported = true
      work.settled(failure)
    }
    const leave = (): void => {
      cancelLimit()
      cancelPatience()
      if (this.running !== work) return
      this.running = null
      this.next()
    }
    const cancelLimit = this.clock.schedule(work.limitMs, () => {
      report(`it took longer than ${work.limitMs} ms`)
      if (!this.keepsOrder) leave()
    })
    const cancelPatience = this.clock.schedule(PATIENCE * work.limitMs, leave)
    start(work.run).then(
      () => {
        report(null)
        leave()
      },
      (error: unknown) => {
        report(error instanceof Error ? error.message : String(error))
        leave()
      },
    )
  }
}

/** A port that throws at once is a port that fails. */
async function start(run: () => Promise<void>): Promise<void> {
  await run()
}
