import type { DurableState } from '../../plugin/agent/agent-ports.ts'
import type { PairSettings } from '../../plugin/core/settings.ts'
import { deriveTiming, shortestDeadTimeMs } from '../../plugin/core/timing.ts'
import { NAMES, Network, type Name } from './network.ts'
import { seeded, type Random } from './random.ts'
import { Server } from './server.ts'
import { Timeline } from './timeline.ts'
import { Witness } from './witness.ts'

export class SimulationError extends Error {
  override readonly name = 'SimulationError'
}

const SETTINGS: PairSettings = {
  version: 1,
  virtualIp: { address: '192.168.1.10', prefixLength: 24 },
  keepAliveIntervalMs: 500,
  deadTimeMs: 5000,
  referenceAddresses: ['192.168.1.1'],
  coldStartAlone: true,
  contacts: [],
}

/** Whatever is shorter than usual: the interval, the dead time, and how late the kernel ends a lease. */
export const FASTEST_GATE = {
  keepAliveIntervalMs: 100,
  deadTimeMs: shortestDeadTimeMs(100, true),
  virtualIp: { ...SETTINGS.virtualIp, gate: true },
} satisfies Partial<PairSettings>

/** After a double that nothing could prevent, this is the time to end it. */
const DOUBLE_GRACE_MS = 2000
const ROUNDING_MS = 10

/** Two servers, their network and everything that must never happen. */
export class World {
  readonly random: Random
  /** Of its own, so that it changes nothing else in a story. */
  readonly diskRandom: Random
  readonly settings: PairSettings
  readonly timeline: Timeline
  readonly network: Network
  /** The third party; null in a pair without one. */
  readonly witness: Witness | null
  readonly servers: Readonly<Record<Name, Server>>
  readonly gatewayAnsweredAt = { A: -Infinity, B: -Infinity }
  readonly lines: string[] = []
  /** Since when a stranger answers for the virtual IP; null while none does. */
  strangerSince: number | null = null
  /** The administrator forced a take-over: what follows is on his word. */
  forced = false
  doubleMs = 0
  private readonly seen = { A: '', B: '' }
  private readonly activeOfTerm = new Map<number, Name>()
  private excusedUntil = -Infinity
  private checkedAt = 0
  private failure: SimulationError | null = null

  constructor(seed: number, settings: Partial<PairSettings> = {}, hasWitness = false) {
    this.random = seeded(seed)
    this.diskRandom = seeded(seed + 1_000_000)
    this.settings = { ...SETTINGS, ...settings }
    this.timeline = new Timeline(() => this.check())
    this.network = new Network(this.timeline, this.random)
    this.witness = hasWitness ? new Witness(this.timeline) : null
    this.servers = { A: new Server(this, 'A'), B: new Server(this, 'B') }
  }

  /** Both on, paired, the initial copy done, A active. */
  async startPair(): Promise<void> {
    for (const name of NAMES) this.servers[name].powerOn(false)
    await this.run(1000)
    this.servers.B.loop?.setPaired(true)
    this.servers.A.loop?.setPaired(true)
    await this.run(10_000)
    this.expect(this.servers.A.isServing(), 'the primary does not serve after the pairing')
    this.expect(this.stateOf('B') === 'standby', 'the secondary is not standby after the pairing')
  }

  async run(durationMs: number): Promise<void> {
    await this.timeline.runUntil(this.timeline.now + durationMs)
    if (this.failure !== null) throw this.failure
  }

  /** Runs until the condition holds; returns how long it took. */
  async runUntil(what: string, holds: () => boolean, limitMs: number): Promise<number> {
    const begin = this.timeline.now
    while (!holds()) {
      if (this.timeline.now - begin > limitMs) this.fail(`not within ${limitMs} ms: ${what}`)
      await this.run(10)
    }
    return this.timeline.now - begin
  }

  stateOf(name: Name): string {
    return this.servers[name].loop?.view().state.name ?? 'down'
  }

  holders(): readonly Name[] {
    return NAMES.filter((name) => this.servers[name].holdsVirtualIp())
  }

  serving(): readonly Name[] {
    return NAMES.filter((name) => this.servers[name].isServing())
  }

  log(line: string): void {
    this.lines.push(`${(this.timeline.now / 1000).toFixed(3).padStart(9)} ${line}`)
  }

  fail(reason: string): never {
    this.failure ??= new SimulationError(`${reason}\n${this.lines.slice(-60).join('\n')}`)
    throw this.failure
  }

  expect(holds: boolean, reason: string): void {
    if (!holds) this.fail(reason)
  }

  checkSave(server: Server, state: DurableState): void {
    const before = server.disk?.term ?? 0
    if (state.term < before)
      this.fail(`${server.name} persisted term ${state.term} after ${before}`)
  }

  checkPromote(server: Server, term: number): void {
    const persisted = server.disk?.term ?? 0
    if (persisted < term)
      this.fail(`${server.name} promoted with term ${term}, on disk is ${persisted}`)
  }

  /** After every event of the simulation. */
  private check(): void {
    if (this.failure !== null) return
    const { now } = this.timeline
    const both = this.holders().length === 2
    if (this.witness === null && this.isPurePartition())
      this.excusedUntil = now + deriveTiming(this.settings).deadMs + DOUBLE_GRACE_MS
    if (both) this.doubleMs += now - this.checkedAt
    // Nobody can reach an isolated holder; that it lets go in time is checked one fault at a time.
    const reachable = NAMES.every((name) => this.network.linked(name))
    if (both && reachable && now > this.excusedUntil && !this.forced)
      this.fail('both servers hold the virtual IP')
    this.checkedAt = now
    for (const name of NAMES) this.checkServer(name)
  }

  private checkServer(name: Name): void {
    const view = this.servers[name].loop?.view()
    const state = view?.state.name ?? 'down'
    const text =
      view === undefined ? 'down' : `${state} (term ${view.state.shared.term}): ${view.reason}`
    if (text === this.seen[name]) return
    this.seen[name] = text
    this.log(`${name} is ${text}`)
    if (view?.state.name === 'claiming' && view.state.cause === 'failover')
      this.checkFailover(name, view.history.at(-1)?.at === this.timeline.now)
    if (view === undefined || state !== 'active') return
    const { term } = view.state.shared
    const owner = this.activeOfTerm.get(term) ?? name
    this.activeOfTerm.set(term, owner)
    this.expect(owner === name, `both servers were active in term ${term}`)
    const last = view.history.at(-1)
    if (last?.from === 'claiming' && last.at === this.timeline.now) this.checkTakeOver(name)
  }

  /** Nobody decides for himself that the peer is gone before the dead time is over, by his own count. */
  private checkFailover(name: Name, hasJustBegun: boolean): void {
    if (!hasJustBegun) return
    const { heardAt } = this.servers[name].loop!.view().state.shared.peer
    const silentMs = this.timeline.now - (heardAt ?? -Infinity)
    const isEarly = silentMs < this.settings.deadTimeMs - ROUNDING_MS
    this.expect(!isEarly, `${name} claims after ${silentMs} ms of silence`)
  }

  /** A claim has just made this server active. */
  private checkTakeOver(name: Name): void {
    const { shared } = this.servers[name].loop!.view().state
    if (this.forced) return
    const alone =
      shared.peer.heardAt === null ||
      this.timeline.now - shared.peer.heardAt > this.settings.deadTimeMs
    const askedMs = this.timeline.now - this.gatewayAnsweredAt[name]
    this.expect(
      !alone || askedMs < this.settings.deadTimeMs,
      `${name} took over although it was isolated`,
    )
    this.expect(
      !this.servers[name].syncBroken || this.servers[name].disk?.wasActive === true,
      `${name} took over although its data was not in sync`,
    )
    // Whoever comes after the last question was answered cannot be seen.
    const seenFrom = this.timeline.now - deriveTiming(this.settings).freeForMs
    this.expect(
      this.strangerSince === null || this.strangerSince > seenFrom,
      `${name} took an address that a stranger holds`,
    )
  }

  /**
   * The one situation that no two servers can tell from a dead peer: each sees the gateway, none hears the other (cut
   * off, lost on the way, or no agent to hear it), and the question who holds the address does not pass either.
   */
  private isPurePartition(): boolean {
    const { network } = this
    const mute = NAMES.some((name) => {
      const server = this.servers[name]
      return server.loop === null || server.stalled
    })
    const unheard =
      mute ||
      network.lossProbability > 0 ||
      network.heartbeatsBlocked ||
      (!network.reaches('A') && !network.reaches('B'))
    return unheard && !network.bothWays() && NAMES.every((name) => network.gatewayReached(name))
  }
}
