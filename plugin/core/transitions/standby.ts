import {
  peerActive,
  record,
  silentMs,
  stay,
  withShared,
  enter,
  persist,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import { unfitness } from '../election.ts'
import type { EventOf } from '../event.ts'
import { automaticProblem } from '../modes.ts'
import type { StateOf } from '../state.ts'
import { inMaintenance } from './begin-claim.ts'
import {
  commonCells,
  followedShared,
  keep,
  outcomeCells,
  refusalCells,
  toFault,
  upkeep,
} from './common.ts'
import { askActive, requestTakeOver } from './request-take-over.ts'
import { settle } from './settle.ts'

/** The peer is heard; it serves, or the two decide which one shall. */
export const standby: Row<'standby'> = {
  ...commonCells('standby'),
  ...refusalCells('standby'),
  ...outcomeCells('standby'),
  tick: {
    to: ['standby', 'suspect', 'claiming'],
    does: 'suspects a peer that is silent for the warn time; claims when neither server is active and this one is elected',
    decide: standbyTick,
  },
  heartbeat: {
    to: ['standby', 'takingOver'],
    does: 'takes over the term of an active peer; takes the role when the active offers it',
    decide: standbyHeartbeat,
  },
  observed: {
    to: ['standby'],
    does: 'takes note; once its data follows the active, its own time as active counts no more',
    decide: (state, event) =>
      event.own.dataInSync === true && peerActive(state.shared)
        ? stay(withShared(state, { wasActive: false }), 'the data follows the active')
        : stay(state, 'takes note'),
  },
  claimHeard: keep('standby', 'takes note: the peer becomes active'),
  takeOverRequested: {
    to: ['standby', 'takingOver', 'claiming'],
    does: 'asks the active to hand over; claims when the peer is not active; claims when forced',
    decide: (state, event, settings) => requestTakeOver(state, event, settings),
  },
  referencesChecked: keep('standby', 'takes note'),
  witnessAnswered: keep('standby', 'takes note'),
  shutdownRequested: {
    to: ['fault'],
    does: 'tells the peer and stops',
    decide: (state, event, { timing }) =>
      toFault(state, event.now, 'stopping', 'the agent is being stopped', timing, [
        { type: 'sendHeartbeat' },
      ]),
  },
}

function standbyTick(
  before: StateOf<'standby'>,
  { now }: EventOf<'tick'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  const kept = upkeep(before.shared, now, timing)
  const state = withShared(before, kept.shared)
  const silent = silentMs(state.shared, now)
  if (silent >= timing.warnMs) {
    const reason = `no heartbeat for ${Math.round(silent)} ms`
    const effects = [...kept.effects, record('heartbeatLate', reason)]
    return enter(state, now, { name: 'suspect', retryAt: state.retryAt }, reason, effects)
  }
  const settled = settle(state, now, settings)
  if (settled === null) return stay(state, 'the peer is heard', kept.effects)
  return { ...settled, effects: [...kept.effects, ...settled.effects] }
}

function standbyHeartbeat(
  state: StateOf<'standby'>,
  event: EventOf<'heartbeat'>,
  { timing }: CoreSettings,
): Decision {
  const { report, now } = event
  if (!peerActive(state.shared)) return stay(state, `the peer is ${report.state}`)
  const followed = followedShared(state.shared)
  const news = followed.term !== state.shared.term || followed.wasActive !== state.shared.wasActive
  // A peer that has just become active ends every waiting time of our own.
  const next = { ...state, shared: followed, retryAt: news ? now : state.retryAt }
  if (report.state === 'handingOver' && now >= state.retryAt && canAccept(next)) {
    const asked = { ...next, retryAt: now + timing.retryMs }
    const why = 'the active server offers its role'
    return askActive(asked, now, `offer-${report.term}-${Math.round(now)}`, true, why)
  }
  return stay(next, 'the peer is active', news ? [persist(followed, now)] : [])
}

function canAccept({ shared }: StateOf<'standby'>): boolean {
  if (inMaintenance(shared) || automaticProblem(shared.modes) !== null) return false
  return unfitness(shared) === null && shared.own.carrierUp
}
