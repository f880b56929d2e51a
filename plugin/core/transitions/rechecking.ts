import {
  peerActive,
  peerHeard,
  stay,
  withShared,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import type { EventOf } from '../event.ts'
import type { StateOf } from '../state.ts'
import { beginClaim, claimProblem } from './begin-claim.ts'
import {
  commonCells,
  followActive,
  keep,
  letGo,
  outcomeCells,
  refusalCells,
  refuseTakeOver,
  stepBack,
  toFault,
  upkeep,
} from './common.ts'

/** Was active and lost the right to the address: the service is held, not yet stopped, while it looks around. */
export const rechecking: Row<'rechecking'> = {
  ...commonCells('rechecking'),
  ...refusalCells('rechecking'),
  ...outcomeCells('rechecking'),
  tick: {
    to: ['rechecking', 'claiming', 'suspect', 'standby'],
    does: 'claims again when the peer is heard and is not active; becomes suspect when nothing is heard for the dead time',
    decide: recheckTick,
  },
  heartbeat: {
    to: ['rechecking', 'standby'],
    does: 'follows a peer that has become active',
    decide: (state, event) =>
      peerActive(state.shared)
        ? followActive(state, event.now, 'the peer has become active', letGo('the peer is active'))
        : stay(state, `the peer is ${event.report.state}`),
  },
  claimHeard: {
    to: ['rechecking', 'standby', 'suspect'],
    does: 'lets the peer have the role',
    decide: (state, event, { timing }) =>
      event.term > state.shared.term
        ? stepBack(state, event.now, 'the peer claims the role', timing, letGo('the peer claims'))
        : stay(state, 'the claim of the peer has a lower term'),
  },
  takeOverRequested: {
    to: ['rechecking'],
    does: 'refuses: it is about to decide by itself',
    decide: (state, event) =>
      refuseTakeOver(state, event, 'this server is checking its network; try again in a moment'),
  },
  referencesChecked: keep('rechecking', 'takes note'),
  witnessAnswered: keep('rechecking', 'takes note'),
  shutdownRequested: {
    to: ['fault'],
    does: 'stops',
    decide: (state, event, { timing }) =>
      toFault(state, event.now, 'stopping', 'the agent is being stopped', timing, [
        { type: 'dropVirtualIp' },
        { type: 'sendHeartbeat' },
      ]),
  },
}

function recheckTick(
  before: StateOf<'rechecking'>,
  { now }: EventOf<'tick'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  const kept = upkeep(before.shared, now, timing)
  const state = withShared(before, kept.shared)
  if (mayResume(state, now, settings)) {
    const why = 'the peer is heard and is not active: goes on serving'
    const claim = beginClaim(state, now, { cause: 'resume', why }, settings)
    return { ...claim, effects: [...kept.effects, ...claim.effects] }
  }
  if (now - state.since < timing.deadMs) return stay(state, 'looks around', kept.effects)
  const reason = 'could not go on within the dead time'
  return stepBack(state, now, reason, timing, [...letGo(reason), ...kept.effects], {}, now)
}

/** The peer is the evidence that we are not isolated; a report from before the loss is none. */
function mayResume(
  { shared, since }: StateOf<'rechecking'>,
  now: number,
  settings: CoreSettings,
): boolean {
  const { heardAt, report } = shared.peer
  if (heardAt === null || heardAt <= since || !peerHeard(shared, now, settings.timing)) return false
  const waits =
    report?.state === 'standby' || report?.state === 'suspect' || report?.state === 'boot'
  return waits && claimProblem(shared, 'resume', settings) === null
}
