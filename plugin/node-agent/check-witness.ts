import { lookAtWitness } from '../agent/witness/etcd-witness.ts'
import type { DoctorCheck } from '../api/agent-api.ts'
import type { AgentConfig } from '../config/agent-config.ts'

const CHECK = { id: 'witness', title: 'Witness' }

/** Asks the witness who has the role, and changes nothing there; no line where none is configured. */
export async function checkWitness({ witness }: AgentConfig): Promise<readonly DoctorCheck[]> {
  if (witness === undefined) return []
  try {
    const holder = await lookAtWitness(witness)
    const who = holder === null ? 'nobody has the role' : `the ${holder} has the role`
    return [{ ...CHECK, result: 'ok', detail: `answers; ${who}`, remedy: null }]
  } catch (thrown) {
    const remedy =
      'Check `witness` in the configuration file, the machine that it names, and the way there.'
    return [{ ...CHECK, result: 'warning', detail: (thrown as Error).message, remedy }]
  }
}
