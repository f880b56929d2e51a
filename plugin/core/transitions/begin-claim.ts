import { enter, peerHeard, type CoreSettings, type Decision } from '../decision.ts'
import type { Effect } from '../effect.ts'
import { unfitness } from '../election.ts'
import { automaticProblem } from '../modes.ts'
import type { ClaimCause, Shared, State } from '../state.ts'

export interface ClaimStart {
  readonly cause: ClaimCause
  readonly why: string
  readonly forced?: boolean
  readonly requestId?: string | null
}

/** The first guard: what speaks against a claim before anything is asked of the network; null when nothing does. */
export function claimProblem(
  shared: Shared,
  cause: ClaimCause,
  settings: CoreSettings,
): string | null {
  const resumes = shared.wasActive && cause !== 'request'
  if (!resumes && inMaintenance(shared)) return 'maintenance mode is on'
  const automatic =
    cause === 'request' || cause === 'firstPairing' ? null : automaticProblem(shared.modes)
  if (!resumes && automatic !== null && !firstOfAll(shared)) return automatic
  const unfit = unfitness(shared)
  if (unfit !== null && !firstOfAll(shared)) return unfit
  if (!shared.own.carrierUp) return 'the network cable of this server is not connected'
  if (cause === 'coldStart' && !settings.coldStartAlone)
    return 'it started alone, and is set to wait for the peer or the administrator'
  return null
}

/** Starts to claim the active role; the caller has seen to the first guard. */
export function beginClaim(
  state: State,
  now: number,
  start: ClaimStart,
  settings: CoreSettings,
): Decision {
  const forced = start.forced === true
  const asksReferences = !forced && needsReferences(state.shared, now, start.cause, settings)
  const first: Effect = { type: asksReferences ? 'checkReferences' : 'probeVirtualIp' }
  return enter(
    state,
    now,
    {
      name: 'claiming',
      step: asksReferences ? 'checkingReferences' : 'probingVirtualIp',
      forced,
      cause: start.cause,
      requestId: start.requestId ?? null,
      stepSince: now,
      why: start.why,
      probeAt: null,
    },
    start.why,
    [first],
    asksReferences ? { referenceAskedAt: now } : {},
  )
}

export function inMaintenance(shared: Shared): boolean {
  return shared.modes.maintenanceUntil !== null
}

/** A peer that is heard is itself the evidence that we are not isolated. */
function needsReferences(
  shared: Shared,
  now: number,
  cause: ClaimCause,
  { timing }: CoreSettings,
): boolean {
  return cause !== 'firstPairing' && !peerHeard(shared, now, timing)
}

/** A pair that never had an active server begins with the one whose data was chosen at the pairing. */
function firstOfAll(shared: Shared): boolean {
  const untouched = shared.term === 0 && shared.peer.report?.term === 0
  return untouched && shared.startsPair && shared.own.databaseUp
}
