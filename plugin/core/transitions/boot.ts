import {
  enter,
  peerActive,
  peerHeard,
  record,
  silentMs,
  stay,
  type CoreSettings,
  type Decision,
  type Row,
} from '../decision.ts'
import { claimTurn } from '../election.ts'
import type { EventOf } from '../event.ts'
import type { StateOf } from '../state.ts'
import {
  commonCells,
  followActive,
  keep,
  letGo,
  outcomeCells,
  refusalCells,
  toFault,
  upkeep,
} from './common.ts'
import { settle } from './settle.ts'
import { requestTakeOver } from './request-take-over.ts'

/** The agent has started: listens before it does anything, or adopts the lease that an earlier life left running. */
export const boot: Row<'boot'> = {
  ...commonCells('boot'),
  ...refusalCells('boot'),
  ...outcomeCells('boot'),
  tick: {
    to: ['boot', 'active', 'standby', 'suspect', 'claiming'],
    does: 'adopts a running lease; elects with a peer that is not active either; alone, waits for the initial dead time',
    decide: bootTick,
  },
  heartbeat: {
    to: ['boot', 'standby'],
    does: 'follows a peer that is active',
    decide: (state, event) =>
      peerActive(state.shared)
        ? followActive(state, event.now, 'the peer is active', letGo('the peer is active'))
        : stay(state, `the peer is heard and is ${event.report.state}`),
  },
  claimHeard: keep('boot', 'waits: the peer decides'),
  takeOverRequested: {
    to: ['boot', 'takingOver', 'claiming'],
    does: 'claims when forced, or when the peer is heard and is not active',
    decide: (state, event, settings) => requestTakeOver(state, event, settings),
  },
  witnessAnswered: keep('boot', 'takes note'),
  referencesChecked: keep('boot', 'takes note; a running lease is adopted at the next tick'),
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

function bootTick(
  before: StateOf<'boot'>,
  event: EventOf<'tick'>,
  settings: CoreSettings,
): Decision {
  const { timing } = settings
  const { now } = event
  const kept = upkeep(before.shared, now, timing)
  const state = { ...before, shared: kept.shared }
  if (!state.locked && state.shared.own.holdsVirtualIp && state.shared.wasActive)
    return adopt(state, event, settings, kept.effects)
  if (!state.locked) return lock(state, kept.effects)
  const settled = settle(state, now, settings)
  if (settled !== null) return { ...settled, effects: [...kept.effects, ...settled.effects] }
  if (peerHeard(state.shared, now, timing))
    return stay(state, 'the peer is heard and decides', kept.effects)
  const silent = silentMs(state.shared, now)
  const aloneMs = timing.initDeadMs + claimTurn(state.shared) * timing.claimTurnMs
  if (silent < aloneMs) return stay(state, 'listens for the peer', kept.effects)
  const alone = `no peer was heard for ${Math.round(silent)} ms after the start`
  return enter(state, now, { name: 'suspect', retryAt: now }, alone, kept.effects)
}

/** The kernel still holds our lease, so nobody else has taken the address: go on where the earlier life stopped. */
function adopt(
  state: StateOf<'boot'>,
  { now }: EventOf<'tick'>,
  { timing }: CoreSettings,
  effects: Decision['effects'],
): Decision {
  const { shared } = state
  const answered = shared.own.referenceAnsweredAt !== null
  if (!shared.own.carrierUp || !(answered || peerHeard(shared, now, timing)))
    return stay(state, 'a lease is running: waits for a sign of the network', effects)
  const reason = 'the lease of the earlier life was still running'
  return enter(
    state,
    now,
    {
      name: 'active',
      renewedAt: now,
      securedAt: now,
      forced: false,
      announcements: 1,
      announcedAt: now,
      renewFailingSince: null,
    },
    reason,
    [
      { type: 'renewVirtualIp', leaseMs: timing.leaseMs },
      { type: 'announceVirtualIp' },
      { type: 'sendHeartbeat' },
      { type: 'promoteData', term: shared.term },
      { type: 'startService' },
      ...effects,
      record('becameActive', reason),
    ],
    { graceFrom: now },
  )
}

/** Nothing to adopt: the data is locked until it is known which server serves. */
function lock(state: StateOf<'boot'>, effects: Decision['effects']): Decision {
  const reason = 'started: locked until it is known which server is active'
  return stay({ ...state, locked: true }, reason, [
    { type: 'dropVirtualIp' },
    { type: 'demoteData', reason },
    ...effects,
  ])
}
