import type { EffectType } from './effect.ts'
import type { OwnView, PeerReport, StateName } from './state.ts'

/** Everything that can happen to the decision core. `now` is monotonic milliseconds. */
export type Event =
  | {
      readonly type: 'tick'
      readonly now: number
      /** How long the agent was stopped before this tick, beyond the tick interval. */ readonly stalledMs: number
    }
  | { readonly type: 'heartbeat'; readonly now: number; readonly report: PeerReport }
  | { readonly type: 'observed'; readonly now: number; readonly own: Partial<OwnView> }
  /** `startsPair`: the pair begins with the data of this server, and replaces the peer's. */
  | { readonly type: 'paired'; readonly now: number; readonly startsPair: boolean }
  | { readonly type: 'unpaired'; readonly now: number }
  /** The peer announces that it takes the active role with this term. */
  | { readonly type: 'claimHeard'; readonly now: number; readonly term: number }
  /** What the peer answered over the TLS channel, while its heartbeats did not arrive. */
  | {
      readonly type: 'peerAnswered'
      readonly now: number
      /** An answer is evidence only for the time of the question. */
      readonly askedAt: number
      readonly state: StateName
      readonly term: number
    }
  /** The administrator of this server wants it to become active. */
  | {
      readonly type: 'takeOverRequested'
      readonly now: number
      readonly requestId: string
      readonly force: boolean
    }
  /** The peer asks us (active) to prepare the hand-over: lock writes, drain, final tick. */
  | {
      readonly type: 'handOverRequested'
      readonly now: number
      readonly requestId: string
      readonly newTerm: number
    }
  /** The peer has applied everything and asks us to let go now. */
  | {
      readonly type: 'releaseRequested'
      readonly now: number
      readonly requestId: string
      readonly newTerm: number
    }
  | {
      readonly type: 'handOverAborted'
      readonly now: number
      readonly requestId: string
      readonly reason: string
    }
  /** The administrator sets, prolongs or ends maintenance mode. */
  | {
      readonly type: 'maintenanceSet'
      readonly now: number
      readonly until: number | null
      readonly pauseSynchronisation: boolean
    }
  /** The administrator switches automatic take-over; `on` also ends a hold. */
  | { readonly type: 'automaticSet'; readonly now: number; readonly on: boolean }
  | {
      readonly type: 'virtualIpProbed'
      readonly now: number
      readonly result: ProbeResult
      readonly visit: number
    }
  | {
      readonly type: 'referencesChecked'
      readonly now: number
      readonly reachable: boolean
      /** An answer is evidence only for the time of the question. */
      readonly askedAt: number
    }
  | {
      readonly type: 'witnessAnswered'
      readonly now: number
      readonly answer: WitnessAnswer
      /** What was granted counts from the question, not from the answer. */
      readonly askedAt: number
    }
  | {
      readonly type: 'effectDone'
      readonly now: number
      readonly effect: EffectType
      readonly requestId?: string
      /** The visit of a state that asked for the effect, and when it was decided. */
      readonly visit: number
      readonly decidedAt: number
      /** Of `persist` and `promoteData`. */
      readonly term?: number
    }
  | {
      readonly type: 'effectFailed'
      readonly now: number
      readonly effect: EffectType
      readonly reason: string
      readonly requestId?: string
      readonly visit: number
      readonly decidedAt: number
      readonly term?: number
    }
  /** The read-back found our virtual IP missing, and the renewal put it back. */
  | { readonly type: 'virtualIpMissing'; readonly now: number }
  | { readonly type: 'shutdownRequested'; readonly now: number }

export type EventType = Event['type']
export type EventOf<Type extends EventType> = Extract<Event, { type: Type }>

/** `unreachable`: no answer, or none that can be understood. */
export type WitnessAnswer = 'granted' | 'heldByPeer' | 'unreachable'

export type ProbeResult = 'free' | 'heldByPeer' | 'heldByStranger' | 'notBelievable'
