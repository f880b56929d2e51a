import { randomUUID } from 'node:crypto'
import { decide } from '../core/decide.ts'
import type { Event } from '../core/event.ts'
import type { Identity } from '../core/facts.ts'
import { initialState } from '../core/initial-state.ts'
import type { AppliedPosition } from '../core/position.ts'
import { reportOf } from '../core/report.ts'
import type { PairSettings } from '../core/settings.ts'
import type { OwnView, State, StateName } from '../core/state.ts'
import type { Timing } from '../core/timing.ts'
import { HotStandbyError } from '../errors.ts'
import { silentLogger, type Logger } from '../logger.ts'
import type { AgentPorts, DurableState } from './agent-ports.ts'
import { fromDurable } from './durable-modes.ts'
import { EffectRunner } from './effect-runner.ts'
import {
  coreSettings,
  FIRST_VIEW,
  isVisible,
  timingOf,
  withRecord,
  type AgentLoopInput,
  type FirstKnown,
  type LoopView,
  type TransitionRecord,
} from './loop-view.ts'
import { until, within } from './time-limit.ts'
import { OwnPoll } from './own-poll.ts'
import { PeerQuestions } from './peer-questions.ts'
import { PendingRequests, type TakeOverAnswer } from './pending-requests.ts'

export type { AgentLoopInput, LoopView, TransitionRecord } from './loop-view.ts'

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
  private readonly questions: PeerQuestions
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
  private stopped: Promise<void> | null = null
  private cancelTick: () => void = () => undefined

  constructor(input: AgentLoopInput) {
    this.input = input
    this.ports = input.ports
    this.logger = input.logger ?? silentLogger
    this.settings = input.settings
    this.timing = timingOf(input.settings)
    this.requests = new PendingRequests(input.ports.clock)
    this.state = this.firstState({ paired: input.paired }, input.durable ?? null)
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
    this.questions = new PeerQuestions(input.ports, (event) => this.dispatch(event), this.logger)
  }

  /** Reads the durable state, looks at the machine, listens and begins. Errors: HS_STATE_UNREADABLE. */
  async start(): Promise<void> {
    const { store, virtualIp, link } = this.ports
    const durable = await store.load()
    const carrierUp = await virtualIp.carrierUp()
    const holdsVirtualIp = await virtualIp.held()
    const own = { carrierUp, holdsVirtualIp, dataInSync: durable?.dataInSync ?? false }
    this.state = this.firstState({ paired: this.isPaired(), own }, durable)
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
  stop(): Promise<void> {
    this.stopped ??= this.running ? this.shutDown() : Promise.resolve()
    return this.stopped
  }

  /** Takes one event. Decides at once, unless a decision is being made; then right after it. */
  dispatch(event: Event): void {
    if (!this.running) return
    this.queue.push(event)
    if (this.deciding) return
    this.deciding = true
    try {
      this.noticeStall(event.now)
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift())
        this.step(next)
    } catch (error) {
      this.fail(error as Error)
    } finally {
      this.deciding = false
    }
  }

  view(): LoopView {
    const { state, reason, thought, history, timing } = this
    return { state, reason, thought, since: state.since, history, timing }
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
    this.dispatch({ type: 'takeOverRequested', now: this.now(), requestId, ...options })
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

  /** Maintenance mode for the given time (Infinity: until it is ended), on both servers; null ends it. */
  setMaintenance(durationMs: number | null, pauseSynchronisation = false): void {
    const now = this.now()
    const until = durationMs === null ? null : now + durationMs
    this.dispatch({ type: 'maintenanceSet', now, until, pauseSynchronisation })
  }

  /** Whether a server of the pair may take over by itself; `true` also ends a hold. */
  setAutomatic(on: boolean): void {
    this.dispatch({ type: 'automaticSet', now: this.now(), on })
  }

  setSettings(settings: PairSettings): void {
    this.settings = settings
    this.timing = timingOf(settings)
    this.notify()
  }

  /** Joins or leaves the pair, which begins with the primary's data unless told. Errors: HS_NOT_SET_UP. */
  setPaired(paired: boolean, startsPair = this.state.shared.identity === 'primary'): void {
    if (paired && this.settings === null)
      throw new HotStandbyError('HS_NOT_SET_UP', { reason: 'the pair has no settings yet' })
    if (paired === this.isPaired()) return
    const now = this.now()
    this.dispatch(paired ? { type: 'paired', now, startsPair } : { type: 'unpaired', now })
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

  private async shutDown(): Promise<void> {
    const { clock, link } = this.ports
    this.dispatch({ type: 'shutdownRequested', now: this.now() })
    const hasLetGo = (): boolean => this.state.name === 'fault' || this.state.name === 'unpaired'
    await within(clock, STOP_LIMIT_MS, until(this.onChange.bind(this), hasLetGo))
    await within(clock, STOP_LIMIT_MS, this.runner.settled())
    if (this.isPaired()) this.sendHeartbeat()
    this.halt('the agent was stopped')
    await link.close()
  }

  private step(event: Event): void {
    const before = this.state
    const settings = coreSettings(this.timing, this.settings, this.input)
    const decision = decide(before, event, settings)
    this.state = decision.state
    this.thought = decision.reason
    if (event.type === 'tick') this.lastTickAt = event.now
    if (before.name !== decision.state.name) this.remember(before.name, event, decision.reason)
    for (const effect of decision.effects) this.runner.run(effect)
    if (event.type === 'effectDone' && event.effect === 'prepareHandOver')
      this.answerHandOver(event.requestId ?? '')
    if (isVisible(before, decision.state)) this.notify()
  }

  /**
   * A process that was stopped learns it before it acts on anything that arrived meanwhile. At the time of what has
   * arrived: looked at the clock again, the event would be older than the state that it meets.
   */
  private noticeStall(now: number): void {
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
    this.questions.tick(now, this.state, this.timing)
  }

  private sendHeartbeat(): void {
    this.lastHeartbeatAt = this.now()
    this.ports.link.send(reportOf(this.state, this.settings?.version ?? 0, this.now()))
  }

  private sendClaim(): void {
    const report = reportOf(this.state, this.settings?.version ?? 0, this.now())
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
    this.history = withRecord(this.history, record)
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

  private firstState(known: FirstKnown, durable: DurableState | null): State {
    const identity = this.state?.shared.identity ?? this.input.identity
    return initialState({
      now: this.now(),
      identity,
      startsPair: this.input.startsPair ?? identity === 'primary',
      ...fromDurable(durable, { now: this.now(), wallMs: this.wallNow() }),
      ...known,
      own: { ...FIRST_VIEW, ...this.input.own, ...known.own },
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
