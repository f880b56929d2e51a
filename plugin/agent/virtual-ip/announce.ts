import { readFile, writeFile } from 'node:fs/promises'
import { runCommand } from '../run-command.ts'
import type { BatchRunner } from './batch-runner.ts'
import type { NetworkTools } from './network-tools.ts'

const TIMEOUT_MS = 2500

export interface Announcement {
  readonly address: string
  readonly interfaceName: string
  readonly tools: NetworkTools
  readonly ip: BatchRunner
}

/**
 * Tells the LAN once that the address is here now, so that neighbours with an older entry change it at once. By
 * `arping` (iputils) or `ndptool`; without them by the kernel, which announces when the interface is given its own
 * hardware address again (adding an address alone announces nothing).
 */
export async function announceOnce(announcement: Announcement): Promise<void> {
  const commands = commandsFor(announcement)
  const results = await Promise.all(
    commands.map((command) => runCommand(command, { timeoutMs: TIMEOUT_MS })),
  )
  if (!results.some(({ status }) => status === 0)) await announceByKernel(announcement)
}

/** Request and reply: some devices learn from the one only, some from the other. */
function commandsFor({ address, interfaceName, tools }: Announcement): readonly string[][] {
  if (address.includes(':')) {
    const send = ['ndptool', '-t', 'na', '-U', '-T', address, '-i', interfaceName, 'send']
    return tools.ndptool ? [send] : []
  }
  if (!tools.arping) return []
  return ['-U', '-A'].map((kind) => {
    return ['arping', '-q', kind, '-c', '1', '-w', '1', '-I', interfaceName, address]
  })
}

async function announceByKernel({ address, interfaceName, ip }: Announcement): Promise<void> {
  const setting = address.includes(':') ? 'ipv6/conf/%/ndisc_notify' : 'ipv4/conf/%/arp_notify'
  await writeFile(`/proc/sys/net/${setting.replace('%', interfaceName)}`, '1')
  const hardware = (await readFile(`/sys/class/net/${interfaceName}/address`, 'utf8')).trim()
  await ip.run(`link set dev ${interfaceName} address ${hardware}`)
}
