import { access, constants, readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'
import type { DoctorCheck } from '../../api/agent-api.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { HotStandbyError } from '../../errors.ts'
import { failed, ok, warning } from './doctor-check.ts'

const CAP_NET_ADMIN_BIT = 12n
const CAP_NET_RAW_BIT = 13n

/** Interface, tools and rights; the driver `listener` needs none of them but the interface's name. */
export async function checkMachine(config: AgentConfig): Promise<DoctorCheck[]> {
  if (config.network.driver === 'listener')
    return [ok('driver', 'Virtual IP driver', 'listener: needs no rights; not for production')]
  return [
    checkInterface(config.network.interface),
    await checkTool('ip', 'iproute2', true),
    await checkTool('arping', 'iputils-arping', false),
    await checkTool('ndptool', 'libndp-tools', false),
    await checkRights(),
  ]
}

function checkInterface(name: string): DoctorCheck {
  const title = 'LAN interface'
  const addresses = networkInterfaces()[name]?.filter((one) => !one.internal) ?? []
  if (addresses.length > 0)
    return ok(
      'interface',
      title,
      `${name} has ${addresses.map((one) => one.cidr ?? one.address).join(', ')}`,
    )
  const reason = `${name} does not exist or has no address`
  const remedy = `Correct network.interface; this server has: ${Object.keys(networkInterfaces()).join(', ')}`
  return failed('interface', title, new HotStandbyError('HS_CONFIG_INVALID', { reason, remedy }))
}

async function checkTool(name: string, packageName: string, needed: boolean): Promise<DoctorCheck> {
  const title = `Program ${name}`
  const path = await findProgram(name)
  if (path !== null) return ok(`program:${name}`, title, path)
  const remedy = `Install it: apt-get install ${packageName}`
  const reason = `${name} is not on this server`
  return needed
    ? failed(`program:${name}`, title, new HotStandbyError('HS_COMMAND_FAILED', { reason, remedy }))
    : warning(`program:${name}`, title, reason, remedy)
}

async function findProgram(name: string): Promise<string | null> {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const folder of [...folders, '/usr/sbin', '/sbin']) {
    const path = join(folder, name)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return null
}

/** Of this process: run doctor as the user that runs the agent. */
async function checkRights(): Promise<DoctorCheck> {
  const title = 'Rights'
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const hex = /^CapEff:\s*([0-9a-f]+)$/mu.exec(status)?.[1] ?? '0'
  const has = (bit: bigint): boolean => ((BigInt(`0x${hex}`) >> bit) & 1n) === 1n
  if (has(CAP_NET_ADMIN_BIT) && has(CAP_NET_RAW_BIT))
    return ok('rights', title, 'may set the virtual IP')
  const remedy =
    'Run it as the user of the agent; in its systemd unit: AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW'
  return warning('rights', title, 'this user may not set the virtual IP', remedy)
}
