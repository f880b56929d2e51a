import type { Decision } from './decision.ts'
import type { Effect } from './effect.ts'
import type { Event } from './event.ts'
import { holdsLease } from './report.ts'
import type { State } from './state.ts'

/** An invariant of the core does not hold: our bug. The agent must let go and stop, not guess. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Asserts what must hold after every step, in production too. */
export function assertInvariants(before: State, event: Event, decision: Decision): void {
  for (const [sentence, holds] of INVARIANTS) {
    if (holds(before, decision, event)) continue
    const at = `${before.name} × ${event.type} → ${decision.state.name}`
    throw new InvariantError(`${sentence} (${at})`)
  }
}

type Invariant = readonly [string, (before: State, decision: Decision, event: Event) => boolean]

const INVARIANTS: readonly Invariant[] = [
  [
    'the identity of a server never changes',
    (before, { state }) => before.shared.identity === state.shared.identity,
  ],
  [
    'terms only rise within a pair',
    (before, { state }, event) =>
      event.type === 'unpaired' || state.shared.term >= before.shared.term,
  ],
  ['a state begins when it is entered', (_, { state }, event) => state.since <= event.now],
  [
    'a change of state, and only that, begins a visit',
    (before, { state }) =>
      state.shared.visit - before.shared.visit === (state.name === before.name ? 0 : 1),
  ],
  [
    'no persisted term is below the term in use',
    (_, { state, effects }, event) =>
      event.type === 'unpaired' ||
      all(effects, 'persist', (effect) => effect.term >= state.shared.term),
  ],
  [
    'the virtual IP is raised only as the last step of a claim or take-over',
    (_, { state, effects }) => !has(effects, 'raiseVirtualIp') || isRaising(state),
  ],
  [
    'the lease is renewed only by the server that holds it',
    (_, { state, effects }) => !has(effects, 'renewVirtualIp') || holdsLease(state),
  ],
  [
    'who stops holding the virtual IP drops it at once',
    (before, { state, effects }) =>
      !holdsLease(before) || holdsLease(state) || has(effects, 'dropVirtualIp'),
  ],
  [
    'a claim that ends while it raises the address drops it',
    (before, { state, effects }) =>
      !isRaising(before) || isRaising(state) || holdsLease(state) || has(effects, 'dropVirtualIp'),
  ],
  [
    'the database is promoted only with the persisted term',
    (_, { state, effects }) =>
      all(effects, 'promoteData', (effect) => effect.term === state.shared.term),
  ],
  [
    'only a raised or running lease makes a server active',
    (before, { state }) =>
      !holdsLease(state) || holdsLease(before) || isRaising(before) || canAdopt(before),
  ],
  ['an active server has a term', (_, { state }) => !holdsLease(state) || state.shared.term > 0],
  [
    'an unpaired server does nothing on the network',
    (_, { state, effects }) => state.name !== 'unpaired' || !has(effects, 'sendHeartbeat'),
  ],
]

function isRaising(state: State): boolean {
  return (
    (state.name === 'claiming' || state.name === 'takingOver') && state.step === 'raisingVirtualIp'
  )
}

function canAdopt(state: State): boolean {
  return state.name === 'boot' && state.shared.wasActive && state.shared.own.holdsVirtualIp
}

function has(effects: readonly Effect[], type: Effect['type']): boolean {
  return effects.some((effect) => effect.type === type)
}

function all<Type extends Effect['type']>(
  effects: readonly Effect[],
  type: Type,
  holds: (effect: Extract<Effect, { type: Type }>) => boolean,
): boolean {
  return effects.every(
    (effect) => effect.type !== type || holds(effect as Extract<Effect, { type: Type }>),
  )
}
