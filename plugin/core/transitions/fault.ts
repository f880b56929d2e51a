import {
  peerActive,
  peerHeard,
  persist,
  stay,
  withShared,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import type { EventOf } from '../event.ts'
import type { StateOf } from '../state.ts'
import {
  commonCells,
  followActive,
  followedShared,
  keep,
  outcomeCells,
  refusalCells,
  refuseTakeOver,
  stepBack,
  upkeep,
} from './common.ts'

/** Cannot serve: not a candidate until the cause is gone. A server that is being stopped ends here. */
export const fault: Row<'fault'> = {
  ...commonCells('fault'),
  ...refusalCells('fault'),
  ...outcomeCells('fault'),
  tick: {
    to: ['fault', 'standby', 'suspect'],
    does: 'becomes standby again when the cause is gone for a while',
    decide: faultTick,
  },
  heartbeat: {
    to: ['fault'],
    does: 'takes over the term of an active peer',
    decide: (state, event) => {
      if (!peerActive(state.shared)) return stay(state, `the peer is ${event.report.state}`)
      const followed = followedShared(state.shared)
      const news =
        followed.term !== state.shared.term || followed.wasActive !== state.shared.wasActive
      return stay(
        withShared(state, followed),
        'the peer is active',
        news ? [persist(followed, event.now)] : [],
      )
    },
  },
  claimHeard: keep('fault', 'takes note: the peer becomes active'),
  takeOverRequested: {
    to: ['fault'],
    does: 'refuses: it cannot serve',
    decide: (state, event) => refuseTakeOver(state, event, 'this server cannot serve at present'),
  },
  referencesChecked: keep('fault', 'takes note'),
  witnessAnswered: keep('fault', 'takes note'),
  shutdownRequested: {
    to: ['fault'],
    does: 'stops',
    decide: (state) =>
      stay({ ...state, cause: 'stopping' }, 'the agent is being stopped', [
        { type: 'sendHeartbeat' },
      ]),
  },
}

function faultTick(
  before: StateOf<'fault'>,
  { now }: EventOf<'tick'>,
  { timing }: CoreSettings,
): Decision {
  if (before.cause === 'stopping') return stay(before, 'the agent is being stopped')
  const kept = upkeep(before.shared, now, timing)
  const state = withShared(before, kept.shared)
  if (now < state.retryAt) return stay(state, 'waits before it tries again', kept.effects)
  if (!state.shared.own.databaseUp)
    return stay(state, 'the database of this server does not answer', kept.effects)
  if (peerHeard(state.shared, now, timing) && peerActive(state.shared))
    return followActive(state, now, 'the cause of the fault is gone', kept.effects)
  return stepBack(state, now, 'the cause of the fault is gone', timing, kept.effects, {}, now)
}
