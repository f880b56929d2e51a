import type { Effect } from './effect.ts'
import type { EventOf, EventType } from './event.ts'
import { EVENT_KINDS, type EventKind } from './event-kinds.ts'
import { reportModes } from './modes.ts'
import type { Alarm, RetriedEffect, Shared, State, StateName, StateOf } from './state.ts'
import type { Timing } from './timing.ts'

/** What the core needs to know besides state and event. */
export interface CoreSettings {
  readonly timing: Timing
  /** A server that boots alone may become active when its data was in sync at the last contact. */
  readonly coldStartAlone: boolean
  /** After so many automatic changes of the role within an hour, the administrator decides. */
  readonly roleChangesPerHour: number
  /** A third party says who may serve while the servers do not hear each other. */
  readonly witness?: boolean
}

/** What follows from an event: the next state, what to do in this order, and why. */
export interface Decision {
  readonly state: State
  readonly effects: readonly Effect[]
  readonly reason: string
}

/** One cell of the table. `to` names every state that the cell may lead to; `does` is printed in the reference. */
export interface Transition<Name extends StateName, Type extends EventType> {
  readonly to: readonly StateName[]
  readonly does: string
  readonly decide: (state: StateOf<Name>, event: EventOf<Type>, settings: CoreSettings) => Decision
}

export type Row<Name extends StateName> = { readonly [Type in EventType]: Transition<Name, Type> }

type DraftOf<S> = S extends State ? Omit<S, 'since' | 'shared'> : never
/** A state without what every entry sets by itself. */
export type Draft = DraftOf<State>

export function stay(state: State, reason: string, effects: readonly Effect[] = []): Decision {
  return { state, effects, reason }
}

/** Enters another state. */
export function enter(
  from: State,
  now: number,
  draft: Draft,
  reason: string,
  effects: readonly Effect[] = [],
  changed: Partial<Shared> = {},
): Decision {
  const shared: Shared = { ...from.shared, ...changed, visit: from.shared.visit + 1 }
  return { state: { ...draft, since: now, shared }, effects, reason }
}

export function withShared<S extends State>(state: S, changed: Partial<Shared>): S {
  return { ...state, shared: { ...state.shared, ...changed } }
}

export function record(kind: EventKind, reason: string): Effect {
  return { type: 'record', kind, level: EVENT_KINDS[kind].level, reason }
}

/** Records an event the first time only; the alarm is cleared when its cause is. */
export function alarmOnce(
  shared: Shared,
  alarm: Alarm,
  kind: EventKind,
  reason: string,
): { readonly shared: Shared; readonly effects: readonly Effect[] } {
  if (shared.alarms.includes(alarm)) return { shared, effects: [] }
  return {
    shared: { ...shared, alarms: [...shared.alarms, alarm] },
    effects: [record(kind, reason)],
  }
}

export function persist(
  shared: Shared,
  now: number,
  changed: { readonly term?: number; readonly wasActive?: boolean } = {},
): Effect {
  return {
    type: 'persist',
    term: Math.max(changed.term ?? shared.term, shared.reservedTerm),
    wasActive: changed.wasActive ?? shared.wasActive,
    modes: reportModes(shared.modes, now),
    roleChangeAgesMs: shared.roleChanges.map((at) => Math.max(0, now - at)),
  }
}

/** Plans another attempt for an effect that failed; one of each kind. */
export function retryLater(shared: Shared, effect: RetriedEffect, at: number): Shared {
  const others = shared.retries.filter((retry) => retry.effect !== effect)
  return { ...shared, retries: [...others, { effect, at }] }
}

export function silentMs(shared: Shared, now: number): number {
  return Math.max(0, now - shared.peer.silenceFrom)
}

/** The peer was heard, and lately enough to believe what it said. */
export function peerHeard(shared: Shared, now: number, timing: Timing): boolean {
  return shared.peer.heardAt !== null && now - shared.peer.heardAt < timing.warnMs
}

/** Asked after its heartbeats had stopped to arrive, the peer says that it serves: only the heartbeats are lost. */
export function servesUnheard(
  shared: Shared,
  { state, askedAt }: EventOf<'peerAnswered'>,
  { intervalMs }: Timing,
): boolean {
  const serves = state === 'active' || state === 'handingOver'
  return serves && askedAt >= shared.peer.silenceFrom + 2 * intervalMs
}

export function peerActive(shared: Shared): boolean {
  return shared.peer.report?.role === 'active'
}

/** When this server last had a sign that it is not isolated: from the peer, or from a reference address. */
export function lastEvidence(shared: Shared): number {
  return Math.max(shared.peer.heardAt ?? -Infinity, shared.own.referenceAnsweredAt ?? -Infinity)
}
