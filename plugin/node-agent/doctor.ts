import type { DoctorCheck, DoctorReport } from '../api/agent-api.ts'
import type { NodeContext } from './node-context.ts'
import { buildStatus } from './status.ts'

/** What only the running agent knows: requirements against the peer, and every reason why a take-over would not work. */
export async function buildDoctorReport(node: NodeContext): Promise<DoctorReport> {
  await node.facts.read().catch(() => undefined) // The blockers below say what is wrong with them.
  const status = buildStatus(node)
  const checks: DoctorCheck[] = [
    ...status.requirements.map((requirement): DoctorCheck => ({
      id: `requirement:${requirement.id}`,
      title: requirement.title,
      result: requirement.met ? 'ok' : requirement.mandatory ? 'failed' : 'warning',
      detail: `this server ${requirement.own}, peer ${requirement.peer}`,
      remedy: requirement.met ? null : requirement.remedy,
    })),
    ...status.blockers
      .filter((blocker) => !blocker.id.startsWith('requirement:'))
      .map((blocker): DoctorCheck => ({
        id: `blocker:${blocker.id}`,
        title: 'A take-over now would fail or lose data',
        result: 'failed',
        detail: blocker.reason,
        remedy: blocker.remedy,
      })),
  ]
  return { ok: checks.every((check) => check.result !== 'failed'), checks }
}
