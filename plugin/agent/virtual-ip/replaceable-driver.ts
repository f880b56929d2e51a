import { HotStandbyError } from '../../errors.ts'
import type { VirtualIpDriver } from '../../ports.ts'
import { readCarrier } from './carrier.ts'

export interface ReplaceableVirtualIp extends VirtualIpDriver {
  /** Drops and closes the present driver, then uses the next; null: no virtual IP is set. */
  use(next: VirtualIpDriver | null): Promise<void>
}

/** The loop has one driver for its lifetime, while the administrator sets and changes the virtual IP. */
export function createReplaceableVirtualIp(options: {
  readonly name: VirtualIpDriver['name']
  readonly interfaceName: string
}): ReplaceableVirtualIp {
  let driver: VirtualIpDriver | null = null
  const needed = () => {
    if (driver !== null) return driver
    throw new HotStandbyError('HS_NOT_SET_UP', { reason: 'there is no virtual IP yet' })
  }
  return {
    name: options.name,
    async use(next) {
      const before = driver
      driver = next
      await before?.drop()
      await before?.close()
    },
    raise: async (leaseMs) => needed().raise(leaseMs),
    drop: async () => driver?.drop(),
    announce: async () => driver?.announce(),
    probe: async () => driver?.probe() ?? 'notBelievable',
    held: async () => driver?.held() ?? false,
    carrierUp: async () =>
      driver?.carrierUp() ?? (await readCarrier(options.interfaceName)) ?? true,
    anyReferenceAnswers: async (addresses, timeoutMs) =>
      driver?.anyReferenceAnswers(addresses, timeoutMs) ?? false,
    close: async () => driver?.close(),
  }
}
