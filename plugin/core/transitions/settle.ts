import { alarmOnce, peerHeard, stay, type CoreSettings, type Decision } from '../decision.ts'
import { elect } from '../election.ts'
import type { StateOf } from '../state.ts'
import { beginClaim, claimProblem } from './begin-claim.ts'

type Waiting = StateOf<'boot'> | StateOf<'standby'> | StateOf<'suspect'>

/**
 * Two servers hear each other and none is active: after a moment the better one claims, and the other only when
 * the better one did not for a whole dead time. Null when this is not the situation.
 */
export function settle(state: Waiting, now: number, settings: CoreSettings): Decision | null {
  const { timing } = settings
  const { settledSince } = state.shared.peer
  if (settledSince === null || !peerHeard(state.shared, now, timing)) return null
  const settledMs = now - Math.max(settledSince, state.since)
  if (settledMs < timing.electionMs) return null
  if ('retryAt' in state && now < state.retryAt) return null
  const elected = elect(state.shared)
  const peerFailed = settledMs > timing.deadMs + timing.electionMs
  if (elected === 'peer' && !peerFailed) return stay(state, 'none is active: the peer is to claim')
  const problem = claimProblem(state.shared, 'election', settings)
  if (elected === 'nobody' || problem !== null) return blocked(state, problem)
  const cause = state.shared.wasActive ? 'resume' : 'election'
  return beginClaim(state, now, { cause, why: 'none of the two servers was active' }, settings)
}

function blocked(state: Waiting, problem: string | null): Decision {
  const reason = `none of the two servers can become active: ${problem ?? 'neither has usable data'}`
  const alarm = alarmOnce(state.shared, 'blocked', 'takeOverRefused', reason)
  return stay({ ...state, shared: alarm.shared }, reason, alarm.effects)
}
