import type { Effect, EffectOf, EffectType } from '../core/effect.ts'
import type { Event } from '../core/event.ts'
import type { AppliedPosition } from '../core/position.ts'
import { holdsLease } from '../core/report.ts'
import type { State } from '../core/state.ts'
import type { Timing } from '../core/timing.ts'
import { HotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { AgentPorts } from './agent-ports.ts'
import { toDurable } from './durable-modes.ts'
import { Lane, type LaneName } from './effect-lanes.ts'
import type { PendingRequests } from './pending-requests.ts'

export interface EffectContext {
  readonly ports: AgentPorts
  readonly logger: Logger
  readonly requests: PendingRequests
  readonly state: () => State
  readonly timing: () => Timing
  readonly referenceAddresses: () => readonly string[]
  readonly sendHeartbeat: () => void
  readonly sendClaim: () => void
  /** Unix time in ms. */
  readonly wallClock: () => number
  readonly dispatch: (event: Event) => void
}

type AtOnce =
  'sendHeartbeat' | 'sendClaim' | 'record' | 'answerRequest' | 'confirmRelease' | 'refuseRequest'
type Queued = Exclude<EffectType, AtOnce>

interface Rule {
  readonly lane: LaneName
  readonly limitMs: number
}

/** Where each effect queues, and how long it may take. */
export const EFFECT_RULES: Readonly<Record<Queued, Rule>> = {
  raiseVirtualIp: { lane: 'address', limitMs: 2000 },
  renewVirtualIp: { lane: 'address', limitMs: 2000 },
  redirectChanges: { lane: 'address', limitMs: 500 },
  dropVirtualIp: { lane: 'address', limitMs: 3000 },
  announceVirtualIp: { lane: 'announcement', limitMs: 10_000 },
  probeVirtualIp: { lane: 'probe', limitMs: 3000 },
  checkReferences: { lane: 'reference', limitMs: 3000 },
  askWitness: { lane: 'witness', limitMs: 1000 },
  persist: { lane: 'disk', limitMs: 10_000 },
  promoteData: { lane: 'data', limitMs: 60_000 },
  demoteData: { lane: 'data', limitMs: 60_000 },
  prepareHandOver: { lane: 'data', limitMs: 20_000 },
  undoHandOver: { lane: 'data', limitMs: 20_000 },
  applyFinal: { lane: 'data', limitMs: 20_000 },
  startService: { lane: 'service', limitMs: 30_000 },
  stopService: { lane: 'service', limitMs: 30_000 },
  askHandOver: { lane: 'peer', limitMs: 25_000 },
  askRelease: { lane: 'peer', limitMs: 10_000 },
  abortHandOver: { lane: 'peer', limitMs: 5000 },
}

/** Carries out what the core decided, and turns each outcome into an event. */
export class EffectRunner {
  private readonly context: EffectContext
  private readonly lanes: Readonly<Record<LaneName, Lane>>
  private readonly positions = new Map<string, AppliedPosition>()

  constructor(context: EffectContext) {
    this.context = context
    const { clock } = context.ports
    this.lanes = {
      // A drop goes on even when the raise before it hangs: the lease bounds what a late raise can do.
      address: new Lane(clock, false),
      announcement: new Lane(clock, false),
      probe: new Lane(clock, false),
      reference: new Lane(clock, false),
      witness: new Lane(clock, false),
      disk: new Lane(clock, true),
      data: new Lane(clock, true),
      service: new Lane(clock, true),
      peer: new Lane(clock, false),
    }
  }

  /** Starts or queues one effect; never waits for it. */
  run(effect: Effect): void {
    if (isQueued(effect)) this.queue(effect)
    else this.runAtOnce(effect)
  }

  private runAtOnce(effect: EffectOf<AtOnce>): void {
    switch (effect.type) {
      case 'sendHeartbeat':
        this.context.sendHeartbeat()
        return
      case 'sendClaim':
        this.context.sendClaim()
        return
      case 'record':
        this.context.ports.history.record({
          kind: effect.kind,
          reason: effect.reason,
          data: { term: this.context.state().shared.term, state: this.context.state().name },
        })
        return
      case 'answerRequest':
        this.context.requests.answer(effect.requestId, effect)
        return
      case 'confirmRelease':
        this.context.requests.released(effect.requestId)
        return
      case 'refuseRequest':
        this.context.requests.refuse(effect.requestId, effect.reason)
        return
    }
  }

  /** Resolves when what lets go of the address, the data and the disk is done. */
  async settled(): Promise<void> {
    const { address, disk, data, service } = this.lanes
    await Promise.all([address.idle(), disk.idle(), data.idle(), service.idle()])
  }

  private queue(effect: EffectOf<Queued>): void {
    const rule = EFFECT_RULES[effect.type]
    const lane = this.lanes[rule.lane]
    if (effect.type === 'dropVirtualIp')
      lane.discard(['raiseVirtualIp', 'renewVirtualIp'], 'the address is dropped')
    const asks = effect.type === 'checkReferences' || effect.type === 'askWitness'
    if (asks && lane.isWaiting(effect.type)) return
    const { clock } = this.context.ports
    const decidedAt = clock.now()
    const visit = this.context.state().shared.visit
    lane.push({
      effect: effect.type,
      limitMs: rule.limitMs,
      run: () => this.perform(effect, decidedAt, visit),
      settled: (failure) => this.report(effect, visit, decidedAt, failure),
    })
  }

  private report(
    effect: EffectOf<Queued>,
    visit: number,
    decidedAt: number,
    failure: string | null,
  ): void {
    const now = this.context.ports.clock.now()
    const outcome = {
      now,
      effect: effect.type,
      visit,
      decidedAt,
      ...('requestId' in effect ? { requestId: effect.requestId } : {}),
      ...('term' in effect ? { term: effect.term } : {}),
    }
    if (failure === null) {
      this.context.dispatch({ type: 'effectDone', ...outcome })
      return
    }
    this.context.logger.warn({ effect: effect.type, reason: failure }, 'an effect failed')
    this.context.dispatch({ type: 'effectFailed', ...outcome, reason: failure })
  }

  private async perform(effect: EffectOf<Queued>, decidedAt: number, visit: number): Promise<void> {
    const { ports, requests } = this.context
    switch (effect.type) {
      case 'raiseVirtualIp':
      case 'renewVirtualIp':
        return this.raise(effect, decidedAt)
      case 'redirectChanges':
        return ports.changes?.redirect()
      case 'dropVirtualIp':
        return ports.virtualIp.drop()
      case 'announceVirtualIp':
        return holdsLease(this.context.state()) ? ports.virtualIp.announce() : undefined
      case 'probeVirtualIp': {
        const result = await ports.virtualIp.probe()
        this.context.dispatch({ type: 'virtualIpProbed', now: ports.clock.now(), result, visit })
        return
      }
      case 'checkReferences':
        return this.checkReferences()
      case 'askWitness':
        return this.askWitness()
      case 'persist':
        return this.save(effect)
      case 'promoteData':
        return ports.data.promote(effect.term)
      case 'demoteData':
        return ports.data.demote(effect.reason).finally(() => ports.changes?.open())
      case 'prepareHandOver':
        await ports.changes?.hold()
        requests.prepared(effect.requestId, await ports.data.prepareHandOver())
        return
      case 'undoHandOver':
        requests.refuse(effect.requestId, effect.reason)
        return ports.data.undoHandOver().finally(() => ports.changes?.open())
      case 'applyFinal':
        return this.applyFinal(effect)
      case 'startService':
        return ports.service.start()
      case 'stopService':
        return ports.service.stop()
      case 'askHandOver':
        this.positions.clear()
        this.positions.set(effect.requestId, await ports.peer.askHandOver(effect))
        return
      case 'askRelease':
        return ports.peer.askRelease(effect)
      case 'abortHandOver':
        return ports.peer.abortHandOver(effect)
    }
  }

  /** A process that was stopped between decision and deed must not prolong a lease it may have lost meanwhile. */
  private async raise(
    effect: EffectOf<'raiseVirtualIp' | 'renewVirtualIp'>,
    decidedAt: number,
  ): Promise<void> {
    const { ports, dispatch } = this.context
    const lateMs = ports.clock.now() - decidedAt
    if (lateMs > this.context.timing().renewMs)
      throw new HotStandbyError('HS_WRONG_STATE', {
        reason: `it was decided ${Math.round(lateMs)} ms ago, which is too long`,
      })
    const { wasMissing } = await ports.virtualIp.raise(effect.leaseMs)
    if (wasMissing && effect.type === 'renewVirtualIp')
      dispatch({ type: 'virtualIpMissing', now: ports.clock.now() })
  }

  private async checkReferences(): Promise<void> {
    const { ports, dispatch } = this.context
    const askedAt = ports.clock.now()
    const timeoutMs = Math.min(1000, Math.max(200, this.context.timing().isolationMs / 4))
    const reachable = await ports.virtualIp.anyReferenceAnswers(
      this.context.referenceAddresses(),
      timeoutMs,
    )
    dispatch({ type: 'referencesChecked', now: ports.clock.now(), reachable, askedAt })
  }

  /** An answer that comes after the time limit still counts from its question. */
  private async askWitness(): Promise<void> {
    const { ports, dispatch } = this.context
    const askedAt = ports.clock.now()
    const { witnessMs } = this.context.timing()
    const answer = await ports.witness?.hold(witnessMs).catch(() => 'unreachable' as const)
    dispatch({
      type: 'witnessAnswered',
      now: ports.clock.now(),
      answer: answer ?? 'unreachable',
      askedAt,
    })
  }

  private save(effect: EffectOf<'persist'>): Promise<void> {
    return this.context.ports.store.save({
      term: effect.term,
      wasActive: effect.wasActive,
      dataInSync: this.context.state().shared.own.dataInSync,
      ...toDurable(effect.modes, effect.roleChangeAgesMs, this.context.wallClock()),
    })
  }

  private applyFinal({ requestId }: EffectOf<'applyFinal'>): Promise<void> {
    const position = this.positions.get(requestId)
    if (position === undefined)
      throw new HotStandbyError('HS_WRONG_STATE', { reason: 'the active gave no final position' })
    return this.context.ports.data.applyUpTo(position)
  }
}

function isQueued(effect: Effect): effect is EffectOf<Queued> {
  return effect.type in EFFECT_RULES
}
