import { uptime } from 'node:os'
import { endServiceLease, writeServiceLease } from '../../files/service-lease.ts'
import type { Logger } from '../../logger.ts'
import type { VirtualIpDriver } from '../../ports.ts'

/**
 * The telephony service's lease goes with that of the address, and never ends after it: its time begins before the
 * kernel's, and it is taken away before the address is.
 */
export function withServiceLease(
  driver: VirtualIpDriver,
  path: string,
  logger: Logger,
): VirtualIpDriver {
  let isTold = false
  const write = async (untilSeconds: number): Promise<void> => {
    try {
      await writeServiceLease(path, untilSeconds)
      isTold = false
    } catch (error) {
      if (!isTold)
        logger.error({ err: error, path }, 'the lease of the telephony service is not written')
      isTold = true
    }
  }
  return {
    ...driver,
    async raise(leaseMs) {
      const from = uptime()
      const raised = await driver.raise(leaseMs)
      await write(from + leaseMs / 1000)
      return raised
    },
    async drop() {
      await endServiceLease(path).catch((error: unknown) => {
        logger.error({ err: error, path }, 'the lease of the telephony service is not ended')
      })
      await driver.drop()
    },
  }
}
