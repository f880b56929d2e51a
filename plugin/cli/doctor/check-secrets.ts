import { stat } from 'node:fs/promises'
import type { DoctorCheck } from '../../api/agent-api.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { HotStandbyError } from '../../errors.ts'
import { failed, ok, warning } from './doctor-check.ts'

const ID = 'secrets'
const TITLE = 'Files with secrets'

/** Passwords and secrets that the configuration names: there, and for nobody but the agent to read. */
export async function checkSecrets(config: AgentConfig): Promise<DoctorCheck> {
  const files: readonly (readonly [field: string, path: string | undefined])[] = [
    ['database.passwordFile', config.database.passwordFile],
    ['database.ownerPasswordFile', config.database.ownerPasswordFile],
    ['witness.passwordFile', config.witness?.passwordFile],
    ['smtp.passwordFile', config.smtp?.passwordFile],
    ['notifications.webhook.secretFile', config.notifications.webhook?.secretFile],
  ]
  const open: string[] = []
  let count = 0
  for (const [field, path] of files) {
    if (path === undefined) continue
    count += 1
    try {
      if (((await stat(path)).mode & 0o077) !== 0) open.push(path)
    } catch (thrown) {
      const reason = `${field} ${path}: ${(thrown as NodeJS.ErrnoException).code ?? 'cannot be read'}`
      const remedy = 'Write the file, for the user of the agent only (chmod 0600).'
      return failed(ID, TITLE, new HotStandbyError('HS_CONFIG_INVALID', { reason, remedy }))
    }
  }
  return open.length > 0
    ? warning(ID, TITLE, `others can read ${open.join(', ')}`, `Run: chmod 0600 ${open.join(' ')}`)
    : ok(ID, TITLE, count === 0 ? 'none are named' : `${count}, for the agent alone`)
}
