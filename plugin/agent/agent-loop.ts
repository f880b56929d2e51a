import { randomUUID } from 'node:crypto'
import { decide } from '../core/decide.ts'
import type { Event } from '../core/event.ts'
import type { Identity } from '../core/facts.ts'
import { initialState } from '../core/initial-state.ts'
import type { AppliedPosition } from '../core/position.ts'
import { reportOf } from '../core/report.ts'
import type { PairSettings } from '../core/settings.ts'
import type { OwnView, State, StateName } from '../core/state.ts'
import {
  DEFAULT_DEAD_TIME_MS,
  DEFAULT_KEEP_ALIVE_INTERVAL_MS,
  deriveTiming,
  type Timing,
} from '../core/timing.ts'
import { HotStandbyError } from '../errors.ts'
import { silentLogger, type Logger } from '../logger.ts'
import type { AgentPorts } from './agent-ports.ts'
import { EffectRunner } from './effect-runner.ts'
import { OwnPoll } from './own-poll.ts'
import { PendingRequests, type TakeOverAnswer } from './pending-requests.ts'

export interface AgentLoopInput {
  readonly ports: AgentPorts
  readonly identity: Identity
  /** Null until the pair has settings; needed before `setPaired(true)`. */
  readonly settings: PairSettings | null
  readonly paired: boolean
  readonly logger?: Logger
  /** What is known of this server before the first observation. */
  readonly own?: Partial<OwnView>
  readonly serviceHealthIntervalMs?: number
  /** Unix time in ms; only to keep the end of maintenance mode across restarts. */
  readonly wallClock?: () => number
  /** A broken invariant: the address was dropped and the loop has stopped; the process should end. */
  readonly onFatal?: (error: Error) => void
}

export interface LoopView {
  readonly state: State
  /** Why the present state was entered. */
  readonly reason: string
  /** What the core thinks now: why it stays. */
  readonly thought: string
  /** Monotonic time of the entry. */
  readonly since: number
  /** Newest last. */
  readonly history: readonly TransitionRecord[]
  readonly timing: Timing
}

export interface TransitionRecord {
  readonly at: number
  readonly from: StateName
  readonly to: StateName
  readonly event: Event['type']
  readonly reason: string
}

const HISTORY_LENGTH = 100
const STOP_LIMIT_MS = 20_000

/**
 * The agent of one server: takes one event at a time, decides, starts the effects and never waits for them. The same
 * code runs in production and in the simulation; everything outside comes in as a port.
 */
export class AgentLoop {
  private readonly ports: AgentPorts
  private readonly logger: Logger
  private readonly input: AgentLoopInput
  private readonly requests: PendingRequests
  private readonly runner: EffectRunner
  private readonly poll: OwnPoll
  private readonly queue: Event[] = []
  private readonly listeners = new Set<(view: LoopView) => void>()
  private settings: PairSettings | null
  private timing: Timing
  private state: State
  private reason = 'the agent has not started'
  private thought = ''
  private history: readonly TransitionRecord[] = []
  private running = false
  private deciding = false
  private lastTickAt = 0
  private lastHeartbeatAt = -Infinity
  private cancelTick: () => void = () => undefined

  constructor(input: AgentLoopInput) {
    this.input = input
    this.ports = input.ports
    this.logger = input.logger ?? silentLogger
    this.settings = input.settings
    this.timing = timingOf(input.settings)
    this.requests = new PendingRequests(input.ports.clock)
    this.state = this.firstState(input.paired, 0, false, null, {})
    this.runner = new EffectRunner({
      ports: input.ports,
      logger: this.logger,
      requests: this.requests,
      state: () => this.state,
      timing: () => this.timing,
      referenceAddresses: () => this.settings?.referenceAddresses ?? [],
      sendHeartbeat: () => this.sendHeartbeat(),
      sendClaim: () => this.sendClaim(),
      wallClock: () => this.wallNow(),
      dispatch: (event) => this.dispatch(event),
    })
    this.poll = new OwnPoll({
      ports: input.ports,
      state: () => this.state,
      observed: (own) => this.setOwn(own),
      serviceIntervalMs: input.serviceHealthIntervalMs ?? 5000,
    })
  }

  /** Reads the durable state, looks at the machine, listens and begins. Errors: HS_STATE_UNREADABLE. */
  async start(): Promise<void> {
    const { store, virtualIp, link } = this.ports
    const durable = await store.load()
    const carrierUp = await virtualIp.carrierUp()
    const holdsVirtualIp = await virtualIp.held()
    const maintenance = durable?.maintenanceUntilMs ?? null
    const until =
      maintenance === null ? null : this.now() + Math.max(0, maintenance - this.wallNow())
    const own = { carrierUp, holdsVirtualIp, dataInSync: durable?.dataInSync ?? false }
    this.state = this.firstState(
      this.isPaired(),
      durable?.term ?? 0,
      durable?.wasActive ?? false,
      until,
      own,
    )
    this.reason = 'the agent started'
    this.running = true
    this.lastTickAt = this.now()
    await link.start({
      report: (report) => this.dispatch({ type: 'heartbeat', now: this.now(), report }),
      claim: (term) => this.dispatch({ type: 'claimHeard', now: this.now(), term }),
    })
    this.tick()
  }

  /** Planned shutdown: hands over to a fit standby, else lets go; then closes the link. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.running) return
    this.dispatch({ type: 'shutdownRequested', now: this.now() })
    await this.within(
      STOP_LIMIT_MS,
      this.until(() => this.state.name === 'fault' || this.state.name === 'unpaired'),
    )
    await this.within(STOP_LIMIT_MS, this.runner.settled())
    if (this.state.name !== 'unpaired') this.sendHeartbeat()
    this.halt('the agent was stopped')
    await this.ports.link.close()
  }

  /** Takes one event. Decides at once, unless a decision is being made; then right after it. */
  dispatch(event: Event): void {
    if (!this.running) return
    this.queue.push(event)
    if (this.deciding) return
    this.deciding = true
    try {
      this.noticeStall()
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift())
        this.step(next)
    } catch (error) {
      this.fail(error as Error)
    } finally {
      this.deciding = false
    }
  }

  view(): LoopView {
    return {
      state: this.state,
      reason: this.reason,
      thought: this.thought,
      since: this.state.since,
      history: this.history,
      timing: this.timing,
    }
  }

  /** Called after every decision that changed what a page would show. Returns the function that ends it. */
  onChange(listener: (view: LoopView) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** The administrator wants this server to become active. */
  requestTakeOver(options: { readonly force: boolean }): Promise<TakeOverAnswer> {
    this.assertRunning()
    const requestId = randomUUID()
    const answered = this.requests.takeOver(requestId)
    this.dispatch({ type: 'takeOverRequested', now: this.now(), requestId, force: options.force })
    return answered
  }

  /** The peer asks us to prepare: resolves with the final position. Errors: HS_TAKE_OVER_REFUSED, HS_TIMEOUT. */
  handOver(requestId: string, newTerm: number): Promise<AppliedPosition> {
    this.assertRunning()
    const prepared = this.requests.handOver(requestId)
    this.dispatch({ type: 'handOverRequested', now: this.now(), requestId, newTerm })
    return prepared
  }

  /** The peer has everything: resolves when the virtual IP is gone from here. Errors as `handOver`. */
  release(requestId: string, newTerm: number): Promise<void> {
    this.assertRunning()
    const released = this.requests.release(requestId)
    this.dispatch({ type: 'releaseRequested', now: this.now(), requestId, newTerm })
    return released
  }

  abortHandOver(requestId: string, reason: string): void {
    this.dispatch({ type: 'handOverAborted', now: this.now(), requestId, reason })
  }

  /** Remaining time of maintenance mode; null ends it. */
  setMaintenance(durationMs: number | null): void {
    const until = durationMs === null ? null : this.now() + durationMs
    this.dispatch({ type: 'maintenanceSet', now: this.now(), until })
  }

  setSettings(settings: PairSettings): void {
    this.settings = settings
    this.timing = timingOf(settings)
    this.notify()
  }

  /** Joins or leaves the pair. A pairing needs settings. Errors: HS_NOT_SET_UP. */
  setPaired(paired: boolean): void {
    if (paired && this.settings === null)
      throw new HotStandbyError('HS_NOT_SET_UP', { reason: 'the pair has no settings yet' })
    if (paired === this.isPaired()) return
    this.dispatch({ type: paired ? 'paired' : 'unpaired', now: this.now() })
  }

  /** The identity is chosen before the pairing. Errors: HS_ALREADY_PAIRED. */
  setIdentity(identity: Identity): void {
    if (this.isPaired()) throw new HotStandbyError('HS_ALREADY_PAIRED')
    this.state = { ...this.state, shared: { ...this.state.shared, identity } }
    this.notify()
  }

  /**
   * Tells the loop what only others can see: database, data in sync. Call it with the present values as often as you
   * like (once a second); it only acts on differences.
   */
  setOwn(own: Partial<OwnView>): void {
    const known = this.state.shared.own
    const differs = (Object.keys(own) as (keyof OwnView)[]).some((key) => own[key] !== known[key])
    if (differs) this.dispatch({ type: 'observed', now: this.now(), own })
  }

  private step(event: Event): void {
    const before = this.state
    const decision = decide(before, event, {
      timing: this.timing,
      coldStartAlone: this.settings?.coldStartAlone ?? false,
    })
    this.state = decision.state
    this.thought = decision.reason
    if (event.type === 'tick') this.lastTickAt = event.now
    if (before.name !== decision.state.name) this.remember(before.name, event, decision.reason)
    for (const effect of decision.effects) this.runner.run(effect)
    if (event.type === 'effectDone' && event.effect === 'prepareHandOver')
      this.answerHandOver(event.requestId ?? '')
    if (isVisible(before, decision.state)) this.notify()
  }

  /** A process that was stopped learns it before it acts on anything that arrived meanwhile. */
  private noticeStall(): void {
    const now = this.now()
    const stalledMs = now - this.lastTickAt - this.timing.tickMs
    if (stalledMs > this.timing.stallMs) this.step({ type: 'tick', now, stalledMs })
  }

  private tick(): void {
    if (!this.running) return
    const now = this.now()
    const stalledMs = Math.max(0, now - this.lastTickAt - this.timing.tickMs)
    this.cancelTick = this.ports.clock.schedule(this.timing.tickMs, () => this.tick())
    this.dispatch({ type: 'tick', now, stalledMs })
    if (
      this.isPaired() &&
      now - this.lastHeartbeatAt >= this.timing.intervalMs - this.timing.tickMs / 2
    )
      this.sendHeartbeat()
    this.poll.tick(now)
  }

  private sendHeartbeat(): void {
    this.lastHeartbeatAt = this.now()
    this.ports.link.send(reportOf(this.state, this.settings?.version ?? 0))
  }

  private sendClaim(): void {
    const report = reportOf(this.state, this.settings?.version ?? 0)
    this.ports.link.sendClaim(report)
    this.ports.clock.schedule(this.timing.claimWaitMs / 4, () => {
      if (this.running && this.state.shared.term === report.term) this.ports.link.sendClaim(report)
    })
  }

  private answerHandOver(requestId: string): void {
    const { state } = this
    if (state.name === 'handingOver' && state.step === 'prepared' && state.requestId === requestId)
      this.requests.handOverReady(requestId)
    else this.requests.refuse(requestId, 'the hand-over was given up meanwhile')
  }

  private remember(from: StateName, event: Event, reason: string): void {
    const record = { at: event.now, from, to: this.state.name, event: event.type, reason }
    this.reason = reason
    this.history = [...this.history, record].slice(-HISTORY_LENGTH)
    this.logger.info({ ...record, term: this.state.shared.term }, 'the state changed')
  }

  private notify(): void {
    const view = this.view()
    for (const listener of [...this.listeners]) listener(view)
  }

  private fail(error: Error): void {
    this.logger.error(
      { reason: error.message },
      'an invariant is broken: the agent lets go and stops',
    )
    this.halt(error.message)
    void this.ports.virtualIp.drop().catch(() => undefined)
    this.input.onFatal?.(error)
  }

  private halt(reason: string): void {
    this.running = false
    this.cancelTick()
    this.queue.length = 0
    this.requests.rejectAll(reason)
  }

  private firstState(
    paired: boolean,
    term: number,
    wasActive: boolean,
    maintenanceUntil: number | null,
    own: Partial<OwnView>,
  ): State {
    const identity = this.state?.shared.identity ?? this.input.identity
    const view: OwnView = { ...FIRST_VIEW, ...this.input.own, ...own }
    return initialState({
      now: this.now(),
      identity,
      paired,
      term,
      wasActive,
      maintenanceUntil,
      own: view,
    })
  }

  private until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => {
      const end = this.onChange(() => {
        if (!holds()) return
        end()
        resolve()
      })
    })
  }

  private within(limitMs: number, promise: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.ports.clock.schedule(limitMs, resolve)
      void promise.then(() => {
        cancel()
        resolve()
      })
    })
  }

  private assertRunning(): void {
    if (!this.running)
      throw new HotStandbyError('HS_WRONG_STATE', { reason: 'the agent is not running' })
  }

  private isPaired(): boolean {
    return this.state.name !== 'unpaired'
  }

  private now(): number {
    return this.ports.clock.now()
  }

  private wallNow(): number {
    return this.input.wallClock?.() ?? Date.now()
  }
}

/** Wires an agent loop; `start` begins. */
export function createAgentLoop(input: AgentLoopInput): AgentLoop {
  return new AgentLoop(input)
}

const FIRST_VIEW: OwnView = {
  carrierUp: true,
  referenceAnsweredAt: null,
  databaseUp: true,
  serviceHealthy: true,
  dataInSync: false,
  holdsVirtualIp: false,
  referenceReachable: null,
}

function timingOf(settings: PairSettings | null): Timing {
  return deriveTiming(
    settings ?? {
      keepAliveIntervalMs: DEFAULT_KEEP_ALIVE_INTERVAL_MS,
      deadTimeMs: DEFAULT_DEAD_TIME_MS,
    },
  )
}

function isVisible(before: State, after: State): boolean {
  const stepOf = (state: State): string => ('step' in state ? state.step : '')
  return (
    before.name !== after.name ||
    stepOf(before) !== stepOf(after) ||
    before.shared.term !== after.shared.term ||
    before.shared.own !== after.shared.own ||
    before.shared.maintenanceUntil !== after.shared.maintenanceUntil ||
    before.shared.peer.report?.state !== after.shared.peer.report?.state ||
    before.shared.alarms !== after.shared.alarms
  )
}
