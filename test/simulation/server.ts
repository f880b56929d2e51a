import type { AgentPorts, DurableState, HeartbeatHandler } from '../../plugin/agent/agent-ports.ts'
import { createAgentLoop, type AgentLoop } from '../../plugin/agent/agent-loop.ts'
import type { AppliedPosition } from '../../plugin/core/position.ts'
import type { PeerReport } from '../../plugin/core/state.ts'
import type { VirtualIpDriver } from '../../plugin/ports.ts'
import { otherOf, type Name } from './network.ts'
import type { World } from './world.ts'

/** The kernel removes an address up to this much after its lifetime. */
const ADDRESS_LATENESS_MS = 730
const GATE_LATENESS_MS = 10

/** One simulated host: kernel, disk and agent process, around the agent loop that is shipped. */
export class Server {
  readonly name: Name
  loop: AgentLoop | null = null
  powered = false
  stalled = false
  private readAt = 0
  diskFails = false
  diskDelayMs = 2
  /** The state cannot be read: the agent refuses to start until that is mended. */
  diskUnreadable = false
  dataFails = false
  dataDelayMs = 20
  raiseFails = false
  /** What the replication would report while this server follows. */
  syncBroken = false
  databaseDown = false
  disk: DurableState | null = null
  leaseUntil = -Infinity
  writable = false
  /** Its state was lost, and with it what it knew of its role. */
  hasLostState = false
  private readonly world: World
  private life = 0
  private beingSaved: DurableState | null = null
  private readonly deferred: (() => void)[] = []
  private followedSince: number | null = null

  constructor(world: World, name: Name) {
    this.world = world
    this.name = name
  }

  holdsVirtualIp(): boolean {
    return this.powered && this.world.timeline.now < this.leaseUntil
  }

  isServing(): boolean {
    const name = this.loop?.view().state.name
    return this.holdsVirtualIp() && (name === 'active' || name === 'handingOver')
  }

  powerOn(paired = true): void {
    if (this.powered) return
    this.powered = true
    this.startAgent(paired)
  }

  powerOff(): void {
    this.killAgent()
    this.powered = false
    this.leaseUntil = -Infinity
  }

  startAgent(paired = true): void {
    if (!this.powered || this.loop !== null) return
    this.life += 1
    this.stalled = false
    const loop = createAgentLoop({
      ports: this.ports(),
      identity: this.name === 'A' ? 'primary' : 'secondary',
      settings: this.world.settings,
      paired,
      wallClock: () => this.world.timeline.now,
      onFatal: (error) => this.world.fail(`${this.name}: ${error.message}`),
    })
    this.loop = loop
    const { life } = this
    loop.start().catch((error: unknown) => {
      if (!this.diskUnreadable) this.world.fail(`${this.name}: ${String(error)}`)
      if (this.life === life) this.killAgent()
    })
    this.watchReplication(loop)
  }

  /** kill -9: kernel and disk stay as they are. */
  killAgent(): void {
    this.life += 1
    // The file is replaced as a whole: afterwards there is the old one or the new one.
    if (this.beingSaved !== null && !this.diskFails && this.world.diskRandom.chance(0.5))
      this.keep(this.beingSaved)
    this.beingSaved = null
    this.loop = null
    this.handler = null
    this.deferred.length = 0
    this.stalled = false
    this.followedSince = null
  }

  private keep(state: DurableState): void {
    this.world.checkSave(this, state)
    this.disk = state
  }

  /** A planned stop; the process ends when the loop has let go. */
  stopAgent(): void {
    const { loop, life } = this
    if (loop === null || this.stalled) return
    void loop.stop().then(() => {
      if (this.life === life) this.killAgent()
    })
  }

  stall(durationMs: number): void {
    if (this.loop === null || this.stalled) return
    const { life } = this
    this.stalled = true
    this.world.timeline.schedule(durationMs, () => {
      if (this.life === life && this.stalled) this.resume()
    })
  }

  /** Ends a stall before its time. */
  wake(): void {
    if (this.stalled) this.resume()
  }

  receive(deliver: (handler: HeartbeatHandler) => void): void {
    const { life } = this
    this.inProcess(life, () => {
      if (this.handler !== null) deliver(this.handler)
    })
  }

  private handler: HeartbeatHandler | null = null
  private lastSequence = { boot: 0, sequence: 0 }
  private sequence = 0

  private resume(): void {
    this.stalled = false
    const waiting = this.deferred.splice(0)
    // After a stop nobody promises which comes first, timers or sockets.
    if (this.world.random.chance(0.5)) waiting.reverse()
    waiting.forEach((run) => {
      run()
    })
  }

  /** Runs as the process that was alive then: not at all when it has died, later when it is stopped. */
  private inProcess(life: number, run: () => void): void {
    if (this.life !== life) return
    if (this.stalled) this.deferred.push(() => this.inProcess(life, run))
    else run()
  }

  private ports(): AgentPorts {
    const { life, world } = this
    const after = <Value>(delayMs: number, value: () => Value): Promise<Value> =>
      new Promise((resolve, reject) => {
        world.timeline.schedule(delayMs, () => {
          this.inProcess(life, () => {
            try {
              resolve(value())
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)))
            }
          })
        })
      })
    return {
      clock: {
        // As a real clock, it never shows the same time twice.
        now: () => (this.readAt = Math.max(world.timeline.now, this.readAt + 0.0001)),
        schedule: (delayMs, run) =>
          world.timeline.schedule(delayMs, () => {
            this.inProcess(life, run)
          }),
      },
      store: {
        load: () =>
          this.diskUnreadable
            ? Promise.reject(new Error('the state cannot be read'))
            : Promise.resolve(this.disk),
        save: (state) => {
          this.beingSaved = state
          return after(this.diskDelayMs, () => {
            if (this.beingSaved === state) this.beingSaved = null
            if (this.diskFails) throw new Error('no space left on device')
            this.keep(state)
          })
        },
        prove: () =>
          after(this.diskDelayMs, () => {
            if (this.diskFails) throw new Error('no space left on device')
          }),
      },
      link: {
        start: (handler) => {
          this.handler = handler
          this.sequence = 0
          return Promise.resolve()
        },
        setPeer: () => undefined,
        send: (report) => this.sendPacket(report, (handler) => handler.report(report)),
        sendClaim: (report) => this.sendPacket(report, (handler) => handler.claim(report.term)),
        stats: () => ({ roundTripMs: null, lossPercent: null, recentRoundTripsMs: [] }),
        close: () => {
          if (this.life === life) this.handler = null
          return Promise.resolve()
        },
      },
      virtualIp: this.virtualIp(after),
      data: {
        promote: (term) =>
          after(this.dataDelayMs, () => {
            if (this.dataFails || this.databaseDown) throw new Error('the database failed')
            world.checkPromote(this, term)
            this.writable = true
          }),
        demote: () =>
          after(this.dataDelayMs, () => {
            if (this.databaseDown) throw new Error('the database failed')
            this.writable = false
          }),
        prepareHandOver: () =>
          after(this.dataDelayMs, () => {
            if (this.dataFails || this.databaseDown) throw new Error('the database failed')
            this.writable = false
            return POSITION
          }),
        undoHandOver: () =>
          after(this.dataDelayMs, () => {
            this.writable = true
          }),
        applyUpTo: () =>
          after(this.dataDelayMs, () => {
            if (this.dataFails || this.syncBroken) throw new Error('cannot apply')
          }),
      },
      peer: {
        askHandOver: ({ requestId, newTerm }) =>
          this.call(after, (loop) => loop.handOver(requestId, newTerm)),
        askRelease: ({ requestId, newTerm }) =>
          this.call(after, (loop) => loop.release(requestId, newTerm)),
        abortHandOver: ({ requestId, reason }) =>
          this.call(after, (loop) => {
            loop.abortHandOver(requestId, reason)
            return Promise.resolve()
          }),
        askRole: async () => {
          if (world.network.questionsBlocked) return after(1000, () => noAnswer())
          await after(this.resends(), () => undefined)
          const role = await this.call(
            after,
            (loop) => {
              const { name, shared } = loop.view().state
              return Promise.resolve({ state: name, term: shared.term })
            },
            1000,
          )
          return after(this.resends(), () => role)
        },
      },
      service: {
        start: () => after(10, () => undefined),
        stop: () => after(10, () => undefined),
        healthy: () => after(5, () => true),
      },
      ...this.witness(after),
      history: { record: (entry) => world.log(`${this.name} ${entry.kind}: ${entry.reason}`) },
    }
  }

  private sendPacket(report: PeerReport, deliver: (handler: HeartbeatHandler) => void): void {
    const boot = this.life
    const sequence = (this.sequence += 1)
    const peer = this.world.servers[otherOf(this.name)]
    this.world.network.send(this.name, () => {
      peer.receive((handler) => {
        if (!peer.isFresh(boot, sequence)) return
        handler.report(report)
        deliver(handler)
      })
    })
  }

  /** As the shipped link does: old and repeated packets are dropped. */
  private isFresh(boot: number, sequence: number): boolean {
    const last = this.lastSequence
    if (boot < last.boot || (boot === last.boot && sequence <= last.sequence)) return false
    this.lastSequence = { boot, sequence }
    return true
  }

  private witness(
    after: <Value>(delayMs: number, value: () => Value) => Promise<Value>,
  ): Pick<AgentPorts, 'witness'> {
    const { witness, network, random } = this.world
    if (witness === null) return {}
    const reached = (): boolean =>
      network.linked(this.name) && !witness.unreachable[this.name] && !network.lost()
    const lost = (): Promise<never> =>
      after(900, () => {
        throw new Error('the witness does not answer')
      })
    return {
      witness: {
        hold: async (ttlMs) => {
          if (!reached()) return lost()
          const answer = await after(random.between(1, 30), () => witness.hold(this.name, ttlMs))
          return reached() ? after(random.between(1, 30), () => answer) : lost()
        },
      },
    }
  }

  private virtualIp(
    after: <Value>(delayMs: number, value: () => Value) => Promise<Value>,
  ): VirtualIpDriver {
    const { world } = this
    return {
      name: 'kernel',
      raise: (leaseMs) => {
        if (this.raiseFails) return after(2, () => raiseError())
        const wasMissing = !this.holdsVirtualIp()
        const hasGate = world.settings.virtualIp.gate === true
        const late = world.random.between(0, hasGate ? GATE_LATENESS_MS : ADDRESS_LATENESS_MS)
        this.leaseUntil = world.timeline.now + leaseMs + late
        return after(2, () => ({ wasMissing }))
      },
      drop: () => {
        this.leaseUntil = -Infinity
        return after(2, () => undefined)
      },
      announce: () => after(50, () => undefined),
      probe: () =>
        after(world.random.between(50, 150), () => {
          if (!world.network.linked(this.name)) return 'notBelievable' as const
          const peer = world.servers[otherOf(this.name)]
          if (world.strangerSince !== null) return 'heldByStranger' as const
          const passes = world.network.bothWays() && !world.network.answersBlocked
          const answers = peer.holdsVirtualIp() && passes
          const seen =
            answers && [1, 2, 3].some(() => !world.network.lost() && !world.network.lost())
          return seen ? ('heldByPeer' as const) : ('free' as const)
        }),
      held: () => Promise.resolve(this.holdsVirtualIp()),
      carrierUp: () => Promise.resolve(!world.network.cableOut[this.name]),
      anyReferenceAnswers: (_, timeoutMs) => {
        const answers =
          world.network.gatewayReached(this.name) && !(world.network.lost() && world.network.lost())
        if (answers) world.gatewayAnsweredAt[this.name] = world.timeline.now
        return after(answers ? 2 : timeoutMs, () => answers)
      },
      close: () => Promise.resolve(),
    }
  }

  /** How long TCP takes to bring a segment through: each loss doubles its pause. */
  private resends(): number {
    const { network } = this.world
    let pauseMs = 0
    for (let resend = 200; network.lost() && resend < 10_000; resend *= 2) pauseMs += resend
    return pauseMs
  }

  /** One call over the TLS channel: there and back, or a time-out. */
  private async call<Value>(
    after: <Result>(delayMs: number, value: () => Result) => Promise<Result>,
    ask: (loop: AgentLoop) => Promise<Value>,
    limitMs = 3000,
  ): Promise<Value> {
    const { world } = this
    const peer = world.servers[otherOf(this.name)]
    await after(2, () => undefined)
    if (!world.network.bothWays() || peer.loop === null || peer.stalled)
      return after(limitMs, () => noAnswer())
    const answer = await ask(peer.loop)
    if (!world.network.bothWays())
      return after(limitMs, () => {
        throw new Error('the answer of the peer was lost')
      })
    return after(2, () => answer)
  }

  /** What the replication engine would tell the loop once a second. */
  private watchReplication(loop: AgentLoop): void {
    const { life, world } = this
    const look = (): void => {
      if (this.life !== life || this.loop !== loop) return
      const { state } = loop.view()
      const peer = world.servers[otherOf(this.name)]
      const follows = state.name === 'standby' && peer.isServing() && world.network.bothWays()
      if (!follows) this.followedSince = null
      else this.followedSince ??= world.timeline.now
      const followedMs = this.followedSince === null ? 0 : world.timeline.now - this.followedSince
      loop.setOwn({ databaseUp: !this.databaseDown })
      if (this.syncBroken && state.name === 'standby') loop.setOwn({ dataInSync: false })
      else if (followedMs >= 1000) loop.setOwn({ dataInSync: true })
      world.timeline.schedule(1000, () => this.inProcess(life, look))
    }
    world.timeline.schedule(1000, () => this.inProcess(life, look))
  }
}

function noAnswer(): never {
  throw new Error('the peer does not answer')
}

function raiseError(): never {
  throw new Error('RTNETLINK answers: Operation not permitted')
}

const POSITION: AppliedPosition = { sourceId: 'peer', sourceTerm: 1, snapshot: '1:1:', tickId: '1' }
