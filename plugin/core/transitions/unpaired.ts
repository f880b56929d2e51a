import { enter, persist, record, stay, withShared, type Decision, type Row } from '../decision.ts'
import type { EventOf } from '../event.ts'
import { FIRST_MODES } from '../modes.ts'
import type { State } from '../state.ts'
import { beginClaim } from './begin-claim.ts'
import { keep, refusalCells, refuseTakeOver } from './common.ts'

/** Not in a pair: serves alone, holds no virtual IP, decides nothing. */
export const unpaired: Row<'unpaired'> = {
  tick: keep('unpaired', 'waits to be paired'),
  heartbeat: keep('unpaired', 'ignores it: there is no peer'),
  observed: keep('unpaired', 'takes note'),
  peerAnswered: keep('unpaired', 'ignores it: there is no peer'),
  paired: {
    to: ['claiming', 'standby'],
    does: 'the server whose data the pair begins with claims the first term; the other locks its own and follows',
    decide: (state, event, settings) =>
      state.shared.startsPair
        ? beginClaim(
            {
              ...state,
              shared: { ...state.shared, own: { ...state.shared.own, dataInSync: true } },
            },
            event.now,
            {
              cause: 'firstPairing',
              why: `the pair was made with the data of the ${state.shared.identity}`,
            },
            settings,
          )
        : followPeer(state, event),
  },
  unpaired: keep('unpaired', 'is not paired'),
  claimHeard: keep('unpaired', 'ignores it: there is no peer'),
  takeOverRequested: {
    to: ['unpaired'],
    does: 'refuses: there is no pair',
    decide: (state, event) => refuseTakeOver(state, event, 'this server is not paired'),
  },
  ...refusalCells('unpaired'),
  handOverAborted: keep('unpaired', 'nothing was handed over here'),
  maintenanceSet: {
    to: ['unpaired'],
    does: 'ignores it: there is no take-over to keep from',
    decide: (state) => stay(withShared(state, { modes: FIRST_MODES }), 'not paired'),
  },
  automaticSet: {
    to: ['unpaired'],
    does: 'ignores it: there is no take-over to keep from',
    decide: (state) => stay(withShared(state, { modes: FIRST_MODES }), 'not paired'),
  },
  virtualIpProbed: keep('unpaired', 'the answer comes too late to matter'),
  referencesChecked: keep('unpaired', 'takes note'),
  witnessAnswered: keep('unpaired', 'takes note'),
  effectDone: keep('unpaired', 'waits for no effect'),
  effectFailed: keep('unpaired', 'the lease of the address ends by itself'),
  virtualIpMissing: keep('unpaired', 'does not hold the virtual IP'),
  shutdownRequested: keep('unpaired', 'has nothing to let go'),
}

function followPeer(state: State, event: EventOf<'paired'>): Decision {
  const { identity } = state.shared
  const source = identity === 'primary' ? 'secondary' : 'primary'
  const reason = `paired as ${identity}: the data of the ${source} is copied first`
  const changed = {
    own: { ...state.shared.own, dataInSync: false },
    peer: { ...state.shared.peer, silenceFrom: event.now },
  }
  return enter(
    state,
    event.now,
    { name: 'standby', retryAt: event.now },
    reason,
    [
      persist(state.shared, event.now, { wasActive: false }),
      { type: 'stopService' },
      { type: 'demoteData', reason },
      record('becameStandby', reason),
    ],
    changed,
  )
}
