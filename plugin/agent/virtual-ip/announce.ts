import { readFile, writeFile } from 'node:fs/promises'
import { runCommand } from '../run-command.ts'
import { runIp } from './ip-command.ts'

const TIMEOUT_MS = 2500

/**
 * Tells the LAN that the address is here now, so that neighbours with an older entry change it at once. By `arping`
 * (iputils) or `ndptool`; without them by the kernel, which announces when the interface is given its own hardware
 * address again (adding an address alone announces nothing).
 */
export async function announceAddress(address: string, interfaceName: string): Promise<void> {
  const command = address.includes(':')
    ? ['ndptool', '-t', 'na', '-U', '-T', address, '-i', interfaceName, 'send']
    : ['arping', '-q', '-U', '-c', '1', '-w', '1', '-I', interfaceName, address]
  const { status } = await runCommand(command, { timeoutMs: TIMEOUT_MS }).catch(() => ({
    status: -1,
  }))
  if (status !== 0) await announceByKernel(address, interfaceName)
}

async function announceByKernel(address: string, interfaceName: string): Promise<void> {
  const setting = address.includes(':') ? 'ipv6/conf/%/ndisc_notify' : 'ipv4/conf/%/arp_notify'
  await writeFile(`/proc/sys/net/${setting.replace('%', interfaceName)}`, '1')
  const hardware = (await readFile(`/sys/class/net/${interfaceName}/address`, 'utf8')).trim()
  await runIp(['link', 'set', 'dev', interfaceName, 'address', hardware])
}
