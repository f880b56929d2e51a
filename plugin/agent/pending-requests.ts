import type { AppliedPosition } from '../core/position.ts'
import { HotStandbyError } from '../errors.ts'
import type { Clock } from './agent-ports.ts'

export interface TakeOverAnswer {
  readonly outcome: 'done' | 'refused' | 'rolledBack'
  readonly reason: string
}

interface Pending<Value> {
  readonly resolve: (value: Value) => void
  readonly reject: (error: HotStandbyError) => void
}

/** Who waits for what the core will answer: our administrator for a take-over, the peer for hand-over and release. */
export class PendingRequests {
  private readonly clock: Clock
  private readonly takeOvers = new Map<string, Pending<TakeOverAnswer>>()
  private readonly handOvers = new Map<string, Pending<AppliedPosition>>()
  private readonly releases = new Map<string, Pending<undefined>>()
  private readonly positions = new Map<string, AppliedPosition>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  takeOver(requestId: string): Promise<TakeOverAnswer> {
    return this.wait(this.takeOvers, requestId, 180_000)
  }

  handOver(requestId: string): Promise<AppliedPosition> {
    return this.wait(this.handOvers, requestId, 30_000)
  }

  async release(requestId: string): Promise<void> {
    await this.wait(this.releases, requestId, 30_000)
  }

  answer(requestId: string, { outcome, reason }: TakeOverAnswer): void {
    this.takeOvers.get(requestId)?.resolve({ outcome, reason })
  }

  /** The final position is there; the peer hears of it once the core has taken note. */
  prepared(requestId: string, position: AppliedPosition): void {
    this.positions.set(requestId, position)
  }

  /** The core knows that the hand-over is prepared: now the peer may. */
  handOverReady(requestId: string): void {
    const position = this.positions.get(requestId)
    this.positions.delete(requestId)
    if (position !== undefined) this.handOvers.get(requestId)?.resolve(position)
  }

  released(requestId: string): void {
    this.releases.get(requestId)?.resolve(undefined)
  }

  refuse(requestId: string, reason: string): void {
    this.positions.delete(requestId)
    const error = new HotStandbyError('HS_TAKE_OVER_REFUSED', { reason })
    this.handOvers.get(requestId)?.reject(error)
    this.releases.get(requestId)?.reject(error)
  }

  /** The agent stops: nobody waits for ever. */
  rejectAll(reason: string): void {
    const error = new HotStandbyError('HS_WRONG_STATE', { reason })
    for (const map of [this.takeOvers, this.handOvers, this.releases])
      for (const pending of [...map.values()]) pending.reject(error)
  }

  private wait<Value>(
    map: Map<string, Pending<Value>>,
    requestId: string,
    limitMs: number,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const forget = (): void => {
        cancel()
        if (map.get(requestId) === pending) map.delete(requestId)
      }
      const pending: Pending<Value> = {
        resolve: (value) => {
          forget()
          resolve(value)
        },
        reject: (error) => {
          forget()
          reject(error)
        },
      }
      const cancel = this.clock.schedule(limitMs, () => {
        pending.reject(
          new HotStandbyError('HS_TIMEOUT', { reason: 'the request was not answered' }),
        )
      })
      map
        .get(requestId)
        ?.reject(new HotStandbyError('HS_WRONG_STATE', { reason: 'the request was repeated' }))
      map.set(requestId, pending)
    })
  }
}
