import { enter, persist, record, type CoreSettings, type Decision } from '../decision.ts'
import type { Effect } from '../effect.ts'
import type { EventKind } from '../event-kinds.ts'
import { ROLE_CHANGES_WITHIN_MS, type Modes } from '../modes.ts'
import type { Shared, State } from '../state.ts'
import { answer } from './common.ts'

interface Activation {
  /** When the raise was decided: the lease is counted from here, not from its answer. */
  readonly raisedAt: number
  readonly forced: boolean
  readonly kind: EventKind
  readonly reason: string
  readonly requestId: string | null
  /** Nobody asked for it, and it is not the server that served before. */
  readonly isRoleChange: boolean
}

/** The address is up: this server serves. */
export function becomeActive(
  state: State,
  now: number,
  activation: Activation,
  settings: CoreSettings,
): Decision {
  const counted = activation.isRoleChange ? countChange(state.shared, now, settings) : state.shared
  const shared = {
    ...counted,
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

/** A role that moves too often is held where it is: one more move would not mend what makes it move. */
function countChange(shared: Shared, now: number, { roleChangesPerHour }: CoreSettings): Shared {
  const roleChanges = [...shared.roleChanges, now]
  const { heardAt, report } = shared.peer
  const lately = heardAt !== null && now - heardAt < ROLE_CHANGES_WITHIN_MS
  const count = roleChanges.length + (lately ? (report?.roleChanges ?? 0) : 0)
  if (count < roleChangesPerHour || shared.modes.automatic !== 'on')
    return { ...shared, roleChanges }
  const version = Math.max(shared.modes.version, report?.modes.version ?? 0) + 1
  const modes: Modes = { ...shared.modes, automatic: 'held', version }
  return { ...shared, roleChanges, modes }
}
