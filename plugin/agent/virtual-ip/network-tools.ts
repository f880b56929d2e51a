import { runCommand } from '../run-command.ts'

/** Which of the recommended programs this machine has; everything works without them, only slower. */
export interface NetworkTools {
  /** `arping` of iputils; the one of the package `arping` has other options and is not used. */
  readonly arping: boolean
  readonly ndptool: boolean
  readonly missing: readonly MissingTool[]
}

export interface MissingTool {
  readonly name: string
  readonly consequence: string
  readonly remedy: string
}

const TIMEOUT_MS = 2000

const ARPING: MissingTool = {
  name: 'arping (iputils)',
  consequence: 'The virtual IP is announced and probed through the kernel, which takes longer.',
  remedy: 'Run `apt-get install iputils-arping` (Debian, Ubuntu) or `dnf install iputils`.',
}
const NDPTOOL: MissingTool = {
  name: 'ndptool',
  consequence: 'An IPv6 virtual IP is announced through the kernel, which takes longer.',
  remedy: 'Run `apt-get install libndp-tools` (Debian, Ubuntu) or `dnf install libndp`.',
}

/** Looks for the programs by running them; never throws. */
export async function findNetworkTools(): Promise<NetworkTools> {
  const [version, help] = await Promise.all([
    runCommand(['arping', '-V'], { timeoutMs: TIMEOUT_MS }),
    runCommand(['ndptool', '--help'], { timeoutMs: TIMEOUT_MS }),
  ])
  const arping = version.stdout.includes('iputils')
  const ndptool = help.failure === null
  return {
    arping,
    ndptool,
    missing: [...(arping ? [] : [ARPING]), ...(ndptool ? [] : [NDPTOOL])],
  }
}
