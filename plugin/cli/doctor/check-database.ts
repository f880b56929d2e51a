import type { DoctorCheck } from '../../api/agent-api.ts'
import type { AgentConfig } from '../../config/agent-config.ts'

export async function checkDatabase(config: AgentConfig): Promise<DoctorCheck[]> {
  return Promise.resolve(config ? [] : [])
}
