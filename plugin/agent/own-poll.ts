import { holdsLease } from '../core/report.ts'
import type { OwnView, State } from '../core/state.ts'
import type { AgentPorts } from './agent-ports.ts'

interface OwnPollInput {
  readonly ports: AgentPorts
  readonly state: () => State
  readonly observed: (own: Partial<OwnView>) => void
  readonly serviceIntervalMs: number
}

/** The health command, or the disk, must fail this often in a row before that counts. */
const FAILURES_THAT_COUNT = 2
const DISK_INTERVAL_MS = 2500
/** A disk that takes longer than this would hold up a take-over. */
const DISK_LIMIT_MS = 2000
const CARRIER_INTERVAL_MS = 200

/** Looks at this server itself, at its own pace and without ever holding up a decision. */
export class OwnPoll {
  private readonly input: OwnPollInput
  private readonly busy = new Set<string>()
  private carrierAt = -Infinity
  private serviceAt = -Infinity
  private failures = 0
  private diskAt = -Infinity
  private diskFailures = 0

  constructor(input: OwnPollInput) {
    this.input = input
  }

  tick(now: number): void {
    const { ports, observed } = this.input
    const state = this.input.state()
    if (state.name === 'unpaired') return
    if (now - this.carrierAt >= CARRIER_INTERVAL_MS) {
      this.carrierAt = now
      this.ask('carrier', async () => observed({ carrierUp: await ports.virtualIp.carrierUp() }))
      if (state.name === 'boot' && state.shared.own.holdsVirtualIp)
        this.ask('held', async () => observed({ holdsVirtualIp: await ports.virtualIp.held() }))
    }
    this.watchService(state, now)
    this.watchDisk(now)
  }

  /** A server that cannot write could not keep its term, and its database soon cannot keep anything. */
  private watchDisk(now: number): void {
    if (now - this.diskAt < DISK_INTERVAL_MS) return
    this.diskAt = now
    const { clock, store } = this.input.ports
    let answered = false
    const judge = (works: boolean): void => {
      if (answered) return
      answered = true
      this.diskFailures = works ? 0 : this.diskFailures + 1
      this.input.observed({ diskWritable: this.diskFailures < FAILURES_THAT_COUNT })
    }
    const cancel = clock.schedule(DISK_LIMIT_MS, () => judge(false))
    this.ask('disk', async () => {
      const works = await store.prove().then(
        () => true,
        () => false,
      )
      cancel()
      judge(works)
    })
  }

  /** Only the active server's service counts: the standby's is stopped. */
  private watchService(state: State, now: number): void {
    if (!holdsLease(state)) {
      this.failures = 0
      this.serviceAt = now
      this.input.observed({ serviceHealthy: true })
      return
    }
    if (now - this.serviceAt < this.input.serviceIntervalMs) return
    this.serviceAt = now
    this.ask('service', async () => {
      const healthy = await this.input.ports.service.healthy().catch(() => false)
      this.failures = healthy ? 0 : this.failures + 1
      this.input.observed({ serviceHealthy: this.failures < FAILURES_THAT_COUNT })
    })
  }

  /** One question of a kind at a time; one that fails is asked again at the next turn. */
  private ask(kind: string, question: () => Promise<void>): void {
    if (this.busy.has(kind)) return
    this.busy.add(kind)
    void question()
      .catch(() => undefined)
      .finally(() => this.busy.delete(kind))
  }
}
