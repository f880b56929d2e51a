import { absorb } from './absorb.ts'
import type { CoreSettings, Decision, Row, Transition } from './decision.ts'
import type { Event, EventType } from './event.ts'
import { assertInvariants } from './invariants.ts'
import { notices } from './notices.ts'
import type { State, StateName } from './state.ts'
import { active } from './transitions/active.ts'
import { boot } from './transitions/boot.ts'
import { claiming } from './transitions/claiming.ts'
import { fault } from './transitions/fault.ts'
import { handingOver } from './transitions/handing-over.ts'
import { rechecking } from './transitions/rechecking.ts'
import { standby } from './transitions/standby.ts'
import { suspect } from './transitions/suspect.ts'
import { takingOver } from './transitions/taking-over.ts'
import { unpaired } from './transitions/unpaired.ts'
import { keepWitness } from './witness.ts'

/** What every state does on every event; a missing cell does not compile. */
export const TRANSITIONS: { readonly [Name in StateName]: Row<Name> } = {
  unpaired,
  boot,
  standby,
  suspect,
  claiming,
  takingOver,
  active,
  handingOver,
  rechecking,
  fault,
}

/**
 * Decides what follows from an event: the next state, the effects in order, and the reason. Pure; throws
 * `InvariantError` only when the core itself is wrong.
 */
export function decide(before: State, event: Event, settings: CoreSettings): Decision {
  const state: State = { ...before, shared: absorb(before.shared, event, settings) }
  const decided = cellOf(state.name, event.type).decide(state, event, settings)
  const decision = keepWitness(decided, event, settings)
  const noticed: Decision = {
    ...decision,
    effects: [...decision.effects, ...notices(before, decision.state, event)],
  }
  assertInvariants(before, event, noticed)
  return noticed
}

/** The cell of the table for a state and an event. */
export function cellOf(name: StateName, type: EventType): Transition<StateName, EventType> {
  return TRANSITIONS[name][type] as unknown as Transition<StateName, EventType>
}
