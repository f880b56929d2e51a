import { enter, persist, record, type Decision } from '../decision.ts'
import type { Effect } from '../effect.ts'
import type { EventKind } from '../event-kinds.ts'
import type { State } from '../state.ts'
import { answer } from './common.ts'

interface Activation {
  /** When the raise was decided: the lease is counted from here, not from its answer. */
  readonly raisedAt: number
  readonly forced: boolean
  readonly kind: EventKind
  readonly reason: string
  readonly requestId: string | null
}

/** The address is up: this server serves. */
export function becomeActive(state: State, now: number, activation: Activation): Decision {
  const shared = {
    ...state.shared,
    wasActive: true,
    own: { ...state.shared.own, dataInSync: true, holdsVirtualIp: true },
    graceFrom: now,
    unhealthySince: null,
    cutOffSince: null,
    alarms: state.shared.alarms.filter((alarm) => alarm === 'peerLost'),
    retries: [],
  }
  const settled: readonly Effect[] =
    activation.requestId === null ? [] : [answer(activation.requestId, 'done', activation.reason)]
  return enter(
    state,
    now,
    {
      name: 'active',
      renewedAt: activation.raisedAt,
      securedAt: activation.raisedAt,
      forced: activation.forced,
      announcements: 1,
      announcedAt: now,
      renewFailingSince: null,
    },
    activation.reason,
    [
      { type: 'announceVirtualIp' },
      { type: 'sendHeartbeat' },
      persist(shared, now),
      ...settled,
      record(activation.kind, activation.reason),
    ],
    shared,
  )
}
