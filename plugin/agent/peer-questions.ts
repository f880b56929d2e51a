import type { Event } from '../core/event.ts'
import type { State } from '../core/state.ts'
import type { Timing } from '../core/timing.ts'
import type { AgentPorts } from './agent-ports.ts'

/** A peer that hangs keeps a question until its time limit; the next one may still be answered. */
const SUSPECT = { most: 2, part: 1 / 8 }
const CLAIMING = { most: 4, part: 1 / 50 }

/**
 * While heartbeats of the peer do not arrive, asks it over the TLS channel what it is: a firewall may stop heartbeats
 * alone. No answer means nothing, since a peer that fails does not answer either.
 */
export class PeerQuestions {
  private readonly ports: AgentPorts
  private readonly dispatch: (event: Event) => void
  private asking = 0
  private lastAt = -Infinity

  constructor(ports: AgentPorts, dispatch: (event: Event) => void) {
    this.ports = ports
    this.dispatch = dispatch
  }

  tick(now: number, { name }: State, { deadMs }: Timing): void {
    if (name !== 'suspect' && name !== 'claiming') return
    const { most, part } = name === 'claiming' ? CLAIMING : SUSPECT
    if (this.asking >= most || now - this.lastAt < part * deadMs) return
    this.lastAt = now
    this.asking += 1
    void this.ask(now)
      .catch(() => undefined)
      .finally(() => (this.asking -= 1))
  }

  private async ask(askedAt: number): Promise<void> {
    const answer = await this.ports.peer.askRole()
    this.dispatch({ type: 'peerAnswered', now: this.ports.clock.now(), askedAt, ...answer })
  }
}
