import { access, constants, stat } from 'node:fs/promises'
import type { DoctorCheck } from '../../api/agent-api.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { HotStandbyError } from '../../errors.ts'
import { failed, ok, warning } from './doctor-check.ts'

const ID = 'stateDirectory'
const TITLE = 'State directory'

/** The agent makes the directory when it is missing; what is there must be ours alone. */
export async function checkStateDirectory(config: AgentConfig): Promise<DoctorCheck> {
  const path = config.stateDirectory
  try {
    const found = await stat(path)
    if (!found.isDirectory()) return failed(ID, TITLE, unusable(`${path} is not a directory`))
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const openToOthers = (found.mode & 0o077) !== 0
    return openToOthers
      ? warning(ID, TITLE, `${path} can be read by others`, `Run: chmod 0700 ${path}`)
      : ok(ID, TITLE, path)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT')
      return warning(ID, TITLE, `${path} does not exist yet`, 'The agent makes it when it starts.')
    return failed(ID, TITLE, unusable(`${path}: ${code ?? 'cannot be read'}`))
  }
}

function unusable(reason: string): HotStandbyError {
  return new HotStandbyError('HS_STATE_UNREADABLE', { reason })
}
