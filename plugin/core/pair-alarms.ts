import type { EventKind } from './event-kinds.ts'

/** What is watched over longer times than the decision core knows: protection, and the lag of the standby. */
export interface PairWatchInput {
  /** Monotonic milliseconds. */
  readonly now: number
  /** Null while nothing is expected: not paired, in maintenance, or another server is to say it. */
  readonly unprotectedBecause: string | null
  readonly isProtected: boolean
  /** Age of the oldest change that the standby has not got; null when unknown or not this server's to say. */
  readonly lagMs: number | null
}

export interface PairWatchState {
  /** Since when the system is not protected without a break; null while it is. */
  readonly unprotectedSince: number | null
  /** How often it has been said. */
  readonly told: number
  readonly behindTold: boolean
}

export interface PairWatchLimits {
  /** Not protected for so long: it is said, and again after each further of these times, ever more seldom. */
  readonly unprotectedMs: number
  /** The standby counts as behind from this lag on. */
  readonly behindMs: number
}

export interface PairNotice {
  readonly kind: EventKind
  readonly reason: string
}

export const CALM: PairWatchState = {
  unprotectedSince: null,
  told: 0,
  behindTold: false,
}

const DAY_MS = 86_400_000

/** One look at the pair: the next state, and what is to be recorded. */
export function watchPair(
  state: PairWatchState,
  input: PairWatchInput,
  limits: PairWatchLimits,
): { readonly state: PairWatchState; readonly notices: readonly PairNotice[] } {
  const protection = watchProtection(state, input, limits)
  const lag = watchLag(state, input, limits)
  return {
    state: { ...protection.state, ...lag.state },
    notices: [...protection.notices, ...lag.notices],
  }
}

type Part<Keys extends keyof PairWatchState> = {
  readonly state: Pick<PairWatchState, Keys>
  readonly notices: readonly PairNotice[]
}

function watchProtection(
  { unprotectedSince, told }: PairWatchState,
  { now, unprotectedBecause, isProtected }: PairWatchInput,
  { unprotectedMs }: PairWatchLimits,
): Part<'unprotectedSince' | 'told'> {
  if (unprotectedBecause === null) {
    const cleared = told > 0 && isProtected
    const keeps = told > 0 && !isProtected
    return {
      state: { unprotectedSince: null, told: keeps ? told : 0 },
      notices: cleared ? [{ kind: 'protectedAgain', reason: 'a take-over would work now' }] : [],
    }
  }
  const since = unprotectedSince ?? now
  if (now - since < tellAfterMs(told, unprotectedMs))
    return { state: { unprotectedSince: since, told }, notices: [] }
  const minutes = Math.round((now - since) / 60_000)
  const reason = `for ${minutes === 1 ? '1 minute' : `${minutes} minutes`}: ${unprotectedBecause}`
  return {
    state: { unprotectedSince: since, told: told + 1 },
    notices: [{ kind: 'notProtected', reason }],
  }
}

/** After 1, 2, 4, 8 … times the limit; at last once a day. */
function tellAfterMs(told: number, unprotectedMs: number): number {
  let atMs = unprotectedMs
  for (let n = 0; n < told; n += 1) atMs += Math.min(atMs, DAY_MS)
  return atMs
}

function watchLag(
  { behindTold }: PairWatchState,
  { lagMs }: PairWatchInput,
  { behindMs }: PairWatchLimits,
): Part<'behindTold'> {
  if (lagMs === null) return { state: { behindTold }, notices: [] }
  if (!behindTold && lagMs >= behindMs) {
    const reason = `the oldest change that the standby has not got is ${seconds(lagMs)} old`
    return { state: { behindTold: true }, notices: [{ kind: 'synchronisationBehind', reason }] }
  }
  // Half the limit, so that a lag around it does not say so again and again.
  if (!behindTold || lagMs >= behindMs / 2) return { state: { behindTold }, notices: [] }
  const reason = `${seconds(lagMs)} behind`
  return { state: { behindTold: false }, notices: [{ kind: 'synchronisationCaughtUp', reason }] }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
