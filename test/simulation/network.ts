import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

export type Name = 'A' | 'B'
export const NAMES: readonly Name[] = ['A', 'B']

export function otherOf(name: Name): Name {
  return name === 'A' ? 'B' : 'A'
}

/** The LAN between the two servers and the gateway. Faults are what a test sets. */
export class Network {
  /** One way between the servers is cut, at the level of packets and of ARP. */
  readonly cut = { A: false, B: false }
  /** A server's own link carries nothing. */
  readonly isolated = { A: false, B: false }
  readonly cableOut = { A: false, B: false }
  gatewayDown = false
  /** Only the heartbeats are filtered; ARP and TLS pass. */
  heartbeatsBlocked = false
  /** The TLS channel carries no questions of what the peer is. */
  questionsBlocked = false
  /** Nobody's answer for an address arrives. */
  answersBlocked = false
  lossProbability = 0
  slowestMs = 5
  duplicateProbability = 0
  private readonly timeline: Timeline
  private readonly random: Random

  constructor(timeline: Timeline, random: Random) {
    this.timeline = timeline
    this.random = random
  }

  /** `from` can reach the other server at this moment, but for random loss. */
  reaches(from: Name): boolean {
    return this.linked('A') && this.linked('B') && !this.cut[from]
  }

  bothWays(): boolean {
    return this.reaches('A') && this.reaches('B')
  }

  linked(name: Name): boolean {
    return !this.isolated[name] && !this.cableOut[name]
  }

  gatewayReached(name: Name): boolean {
    return this.linked(name) && !this.gatewayDown
  }

  lost(): boolean {
    return this.random.chance(this.lossProbability)
  }

  /** Delivers one datagram, or not, or twice, or later than the next one. */
  send(from: Name, deliver: () => void): void {
    const copies = this.random.chance(this.duplicateProbability) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      if (!this.reaches(from) || this.heartbeatsBlocked || this.lost()) continue
      this.timeline.schedule(this.random.between(0.1, this.slowestMs), deliver)
    }
  }
}
