import type { Name } from './network.ts'
import type { Timeline } from './timeline.ts'

/** A third box that keeps the role for one server at a time, by a clock of its own. */
export class Witness {
  readonly unreachable = { A: false, B: false }
  /** It forgets a role that is over this much late at the most. */
  lateMs = 500
  private readonly timeline: Timeline
  private holder: Name | null = null
  private until = -Infinity

  constructor(timeline: Timeline) {
    this.timeline = timeline
  }

  /** Somebody gives the role away by hand. */
  giveTo(name: Name, forMs: number): void {
    this.holder = name
    this.until = this.timeline.now + forMs
  }

  /** Compare and set. */
  hold(name: Name, ttlMs: number): 'granted' | 'heldByPeer' {
    const { now } = this.timeline
    if (this.holder !== name && now < this.until) return 'heldByPeer'
    this.holder = name
    this.until = now + ttlMs + this.lateMs
    return 'granted'
  }
}
