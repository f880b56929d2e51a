import { findNetworkTools } from '../agent/virtual-ip/network-tools.ts'
import type { DoctorCheck, DoctorReport } from '../api/agent-api.ts'
import { checkWitness } from './check-witness.ts'
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
    ...(await checkWitness(node.config)),
    ...(await networkTools(node)),
  ]
  return { ok: checks.every((check) => check.result !== 'failed'), checks }
}

/** Programs that the kernel driver would rather have: a warning each. */
async function networkTools(node: NodeContext): Promise<readonly DoctorCheck[]> {
  if (node.config.network.driver !== 'kernel') return []
  const { missing } = await findNetworkTools()
  return missing.map(({ name, consequence, remedy }) => ({
    id: `program:${name.split(' ')[0] ?? name}`,
    title: `The program ${name} is there`,
    result: 'warning',
    detail: consequence,
    remedy,
  }))
}
