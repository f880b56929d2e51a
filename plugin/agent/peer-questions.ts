import type { Event } from '../core/event.ts'
import type { State } from '../core/state.ts'
import type { Timing } from '../core/timing.ts'
import type { Logger } from '../logger.ts'
import type { AgentPorts } from './agent-ports.ts'

/** How many questions at a time, since a peer that hangs keeps one until its time limit; and how often, in dead times. */
const SUSPECT = { most: 2, every: 1 / 8 }
const CLAIMING = { most: 4, every: 1 / 50 }

/**
 * While heartbeats of the peer do not arrive, asks it over the TLS channel what it is: a firewall may stop heartbeats
 * alone. No answer means nothing, since a peer that fails does not answer either.
 */
export class PeerQuestions {
  private readonly ports: AgentPorts
  private readonly dispatch: (event: Event) => void
  private readonly logger: Logger
  private asking = 0
  private lastAt = -Infinity

  constructor(ports: AgentPorts, dispatch: (event: Event) => void, logger: Logger) {
    this.ports = ports
    this.dispatch = dispatch
    this.logger = logger
  }

  tick(now: number, { name }: State, { deadMs }: Timing): void {
    if (name !== 'suspect' && name !== 'claiming') return
    const { most, every } = name === 'claiming' ? CLAIMING : SUSPECT
    if (this.asking >= most || now - this.lastAt < every * deadMs) return
    this.lastAt = now
    this.asking += 1
    void this.ask(now)
      .catch((error: unknown) => this.logger.debug({ error }, 'the peer did not say what it is'))
      .finally(() => (this.asking -= 1))
  }

  private async ask(askedAt: number): Promise<void> {
    const answer = await this.ports.peer.askRole()
    this.dispatch({ type: 'peerAnswered', now: this.ports.clock.now(), askedAt, ...answer })
  }
}
