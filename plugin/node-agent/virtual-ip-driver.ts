import { withGate } from '../agent/virtual-ip/gated-driver.ts'
import { createKernelVirtualIp } from '../agent/virtual-ip/kernel-driver.ts'
import { createListenerVirtualIp } from '../agent/virtual-ip/listener-driver.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import type { Logger } from '../logger.ts'
import type { PeerRecord, VirtualIpDriver } from '../ports.ts'
import type { SettingsStore } from './settings-store.ts'

/** The driver for the virtual IP that is set; null while none is. */
export function makeVirtualIpDriver(
  config: AgentConfig,
  settings: Pick<SettingsStore, 'current'>,
  peer: PeerRecord | null,
  logger: Logger,
): VirtualIpDriver | null {
  const { pair, server } = settings.current()
  if (pair === null) return null
  const { address } = pair.virtualIp
  const interfaceName = server?.networkInterface ?? config.network.interface
  if (config.network.driver === 'kernel') {
    const peerAddress = peer?.address ?? null
    const driver = createKernelVirtualIp({ address, interfaceName, peerAddress, logger })
    // As it is set now: the gate comes and goes without a new driver.
    const isWanted = (): boolean => settings.current().pair?.virtualIp.gate ?? false
    return withGate(driver, { address, isWanted, logger })
  }
  return createListenerVirtualIp({
    address: config.network.listenAddress ?? address,
    interfaceName,
    forward: config.network.forward,
    logger,
  })
}
