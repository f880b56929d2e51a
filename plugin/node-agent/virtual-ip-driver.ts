import { createKernelVirtualIp } from '../agent/virtual-ip/kernel-driver.ts'
import { createListenerVirtualIp } from '../agent/virtual-ip/listener-driver.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import type { Logger } from '../logger.ts'
import type { PeerRecord, VirtualIpDriver } from '../ports.ts'
import type { StoredSettings } from './settings-store.ts'

/** The driver for the virtual IP that is set; null while none is. */
export function makeVirtualIpDriver(
  config: AgentConfig,
  { pair, server }: StoredSettings,
  peer: PeerRecord | null,
  logger: Logger,
): VirtualIpDriver | null {
  if (pair === null) return null
  const { address } = pair.virtualIp
  const interfaceName = server?.networkInterface ?? config.network.interface
  if (config.network.driver === 'kernel') {
    const peerAddress = peer?.address ?? null
    return createKernelVirtualIp({ address, interfaceName, peerAddress, logger })
  }
  return createListenerVirtualIp({
    address: config.network.listenAddress ?? address,
    interfaceName,
    forward: config.network.forward,
    logger,
  })
}
