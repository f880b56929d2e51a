import type { LossPreview } from '../api/agent-api.ts'
import type { NodeContext } from './node-context.ts'
import { buildStatus } from './status.ts'

/** What a forced take-over on this server would lose, as far as this server can know. */
export function previewLoss(node: NodeContext): LossPreview {
  const status = buildStatus(node)
  const { peer, replication, blockers } = status
  if (status.server.role === 'active')
    return { ageMs: 0, rows: 0, isExact: true, meaning: 'This server is active.', blockers: [] }
  const heard = peer?.heard === true
  const { lag } = replication
  const ageMs = lag?.ageMs ?? null
  return {
    ageMs,
    rows: lag?.rows ?? null,
    isExact: heard && lag !== null && replication.phase === 'streaming',
    meaning: meaningOf(ageMs, lag?.rows ?? null, heard),
    blockers,
  }
}

function meaningOf(ageMs: number | null, rows: number | null, heard: boolean): string {
  if (ageMs === null || rows === null)
    return 'This server has no complete copy of the active server: what it lacks is not known, and can be everything.'
  if (ageMs === 0 && heard) return 'As far as this server knows, nothing is lost.'
  const since = new Date(Date.now() - ageMs).toISOString()
  const known = rows === 0 ? '' : ` At the last look ${rows} changes were not here yet.`
  const kept =
    ' They stay on the other server, and can be looked at and applied again when it is back.'
  return `Changes made on the active server since ${since} (for ${Math.ceil(ageMs / 1000)} s) are not on this one.${known}${kept}`
}
