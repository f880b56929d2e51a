import {
  enter,
  peerActive,
  peerHeard,
  record,
  type CoreSettings,
  type Decision,
} from '../decision.ts'
import type { EventOf } from '../event.ts'
import type { State } from '../state.ts'
import { nextTerm } from '../term.ts'
import { beginClaim, claimProblem } from './begin-claim.ts'
import { refuseTakeOver } from './common.ts'

/** The administrator wants this server to become active: planned while the active serves, a claim while nobody does. */
export function requestTakeOver(
  state: State,
  event: EventOf<'takeOverRequested'>,
  settings: CoreSettings,
): Decision {
  const heard = peerHeard(state.shared, event.now, settings.timing)
  if (heard && peerActive(state.shared)) return planned(state, event, settings)
  const problem = claimProblem(state.shared, 'request', settings)
  const fatal = state.shared.own.databaseUp ? null : 'the database of this server does not answer'
  if (fatal !== null) return refuseTakeOver(state, event, fatal)
  if (!heard && !event.force)
    return refuseTakeOver(
      state,
      event,
      'the peer is not heard: whether it serves is not known; force it only when the peer is off',
    )
  if (problem !== null && !event.force) return refuseTakeOver(state, event, problem)
  const why = event.force ? 'forced by the administrator' : 'asked for by the administrator'
  return beginClaim(
    state,
    event.now,
    { cause: 'request', why, forced: event.force, requestId: event.requestId },
    settings,
  )
}

function planned(
  state: State,
  event: EventOf<'takeOverRequested'>,
  settings: CoreSettings,
): Decision {
  const problem = claimProblem(state.shared, 'request', settings)
  const fatal = state.shared.own.databaseUp ? null : 'the database of this server does not answer'
  const reason = event.force ? fatal : problem
  if (reason !== null) return refuseTakeOver(state, event, reason)
  return askActive(state, event.now, event.requestId, false, 'asked for by the administrator')
}

/** Asks the active server to hand over; see the state `takingOver`. */
export function askActive(
  state: State,
  now: number,
  requestId: string,
  offered: boolean,
  why: string,
): Decision {
  const { term, seenTerm, reservedTerm, identity } = state.shared
  const newTerm = nextTerm(Math.max(term, seenTerm, reservedTerm), identity)
  return enter(
    state,
    now,
    {
      name: 'takingOver',
      step: 'preparing',
      requestId,
      newTerm,
      stepSince: now,
      offered,
      rolePersisted: false,
    },
    why,
    [{ type: 'askHandOver', requestId, newTerm }, record('takeOverStarted', why)],
  )
}
