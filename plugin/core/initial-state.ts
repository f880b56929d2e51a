import type { Identity } from './facts.ts'
import type { Modes } from './modes.ts'
import { NO_WITNESS } from './witness.ts'
import type { OwnView, Shared, State } from './state.ts'

export interface InitialInput {
  readonly now: number
  readonly identity: Identity
  readonly paired: boolean
  readonly startsPair: boolean
  readonly term: number
  readonly wasActive: boolean
  readonly modes: Modes
  readonly roleChanges: readonly number[]
  readonly own: OwnView
}

/** The state of a server whose agent has just started. */
export function initialState(input: InitialInput): State {
  const shared: Shared = {
    identity: input.identity,
    startsPair: input.startsPair,
    term: input.term,
    wasActive: input.wasActive,
    peer: {
      heardAt: null,
      report: null,
      divergedTerm: null,
      silenceFrom: input.now,
      settledSince: null,
      activeSince: null,
      deafSince: null,
      heldAt: null,
    },
    own: input.own,
    modes: input.modes,
    roleChanges: input.roleChanges,
    longestGapMs: 0,
    visit: 0,
    seenTerm: input.term,
    reservedTerm: input.term,
    referenceAskedAt: null,
    witness: NO_WITNESS,
    virtualIpFreeAt: null,
    probedEarly: false,
    reachableSince: null,
    graceFrom: input.now,
    unhealthySince: null,
    cutOffSince: null,
    alarms: [],
    retries: [],
  }
  return input.paired
    ? { name: 'boot', since: input.now, shared, locked: false }
    : { name: 'unpaired', since: input.now, shared }
}
