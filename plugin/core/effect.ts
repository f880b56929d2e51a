import type { EventLevel } from './settings.ts'
import type { EventKind } from './event-kinds.ts'
import type { ModesReport } from './modes.ts'

/**
 * What the core wants done. Effects run strictly in order in one queue; each one's outcome comes back
 * as `effectDone`, `effectFailed` or an event of its own. Those marked (quiet) report only failures.
 */
export type Effect =
  /** Term and role to disk, fsynced, before anything that depends on them. */
  | {
      readonly type: 'persist'
      readonly term: number
      readonly wasActive: boolean
      readonly modes: ModesReport
      /** How long ago each automatic change of the role was. */
      readonly roleChangeAgesMs: readonly number[]
    }
  /** (quiet) A heartbeat outside the interval, because the peer should know now. */
  | { readonly type: 'sendHeartbeat' }
  /** (quiet) `claim(term)`, twice. */
  | { readonly type: 'sendClaim'; readonly term: number }
  /** Answers with `referencesChecked`. */
  | { readonly type: 'checkReferences' }
  /** Answers with `virtualIpProbed`. */
  | { readonly type: 'probeVirtualIp' }
  /** Asks the witness for the role, or to prolong it. Answers with `witnessAnswered`. */
  | { readonly type: 'askWitness' }
  | { readonly type: 'raiseVirtualIp'; readonly leaseMs: number }
  /** (quiet) Prolongs the lease, reads back, answers `virtualIpMissing` when it had gone. */
  | { readonly type: 'renewVirtualIp'; readonly leaseMs: number }
  | { readonly type: 'dropVirtualIp' }
  /** (quiet) Changes that wait in web processes are sent to the virtual IP, which is about to move. */
  | { readonly type: 'redirectChanges' }
  /** (quiet) Burst of gratuitous ARP / unsolicited neighbour advertisements. */
  | { readonly type: 'announceVirtualIp' }
  /** Database to active: stop applying, sequences, promotion record with the term, unlock writes. */
  | { readonly type: 'promoteData'; readonly term: number }
  /** Database to standby: lock writes, then follow the peer. */
  | { readonly type: 'demoteData'; readonly reason: string }
  | { readonly type: 'startService' }
  | { readonly type: 'stopService' }
  /** As active, for a planned take-over: lock writes, wait for writers in flight, final tick. Reported to the peer by requestId. */
  | { readonly type: 'prepareHandOver'; readonly requestId: string }
  /** As active: the planned take-over does not happen, unlock writes again. */
  | { readonly type: 'undoHandOver'; readonly requestId: string; readonly reason: string }
  /** As active: tells the waiting peer that we have let go. */
  | { readonly type: 'confirmRelease'; readonly requestId: string }
  /** As active or other: refuses the peer's request with the reason. */
  | { readonly type: 'refuseRequest'; readonly requestId: string; readonly reason: string }
  /** As standby: asks the active to prepare, waits for its final tick. */
  | { readonly type: 'askHandOver'; readonly requestId: string; readonly newTerm: number }
  /** As standby: applies up to the final tick that `askHandOver` brought. */
  | { readonly type: 'applyFinal'; readonly requestId: string }
  | { readonly type: 'askRelease'; readonly requestId: string; readonly newTerm: number }
  | { readonly type: 'abortHandOver'; readonly requestId: string; readonly reason: string }
  /** Settles the administrator's request. */
  | {
      readonly type: 'answerRequest'
      readonly requestId: string
      readonly outcome: 'done' | 'refused' | 'rolledBack'
      readonly reason: string
    }
  /** (quiet) One entry of the history, and a notification to the contacts of its level. */
  | {
      readonly type: 'record'
      readonly kind: EventKind
      readonly level: EventLevel
      readonly reason: string
    }

export type EffectType = Effect['type']
export type EffectOf<Type extends EffectType> = Extract<Effect, { type: Type }>
