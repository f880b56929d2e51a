import type { Logger } from '../../logger.ts'
import type { VirtualIpDriver } from '../../ports.ts'
import { createGate, removeGate } from './gate.ts'

export interface GatedDriverOptions {
  readonly address: string
  /** The setting, which may change while the address is held. */
  readonly isWanted: () => boolean
  readonly logger: Logger
}

/**
 * The address behind the gate: it is opened before the address is there and shut before it goes. The address keeps a
 * lifetime of its own, in whole seconds, so that it goes too when nobody is there to take it away.
 *
 * A server that cannot have the gate raises the address without it: it goes later then, when this server fails, but the
 * other one asks for it before it takes over. A gate that was open and cannot be prolonged is an error: it shuts.
 */
export function withGate(driver: VirtualIpDriver, options: GatedDriverOptions): VirtualIpDriver {
  const { address, isWanted, logger } = options
  const gate = createGate(address)
  // An agent that starts again with its lease running must not take its own gate away.
  let removed = isWanted() ? null : removeGate()
  let isOpen = false
  let isTold = false

  const openGate = async (leaseMs: number): Promise<boolean> => {
    removed = null
    try {
      const { wasMissing } = await gate.open(leaseMs)
      isOpen = true
      isTold = false
      return wasMissing
    } catch (error) {
      if (isOpen || (await gate.isShut())) throw error
      if (!isTold)
        logger.error({ err: error, address }, 'the virtual IP is raised without its gate')
      isTold = true
      return false
    }
  }
  const withoutGate = async (): Promise<void> => {
    isOpen = false
    removed ??= removeGate()
    const problem = await removed
    if (problem === null) return
    removed = null
    logger.error({ problem, address }, 'a gate before the virtual IP could not be removed')
  }
  return {
    ...driver,
    async raise(leaseMs) {
      if (!isWanted()) {
        await withoutGate()
        return driver.raise(leaseMs)
      }
      const gateWasMissing = await openGate(leaseMs)
      const { wasMissing } = await driver.raise(wholeSecondsOf(leaseMs))
      return { wasMissing: wasMissing || gateWasMissing }
    },
    async drop() {
      if (isWanted() || isOpen)
        await gate.shut().catch((error: unknown) => {
          if (isOpen) logger.warn({ err: error, address }, 'the gate could not be shut')
        })
      await driver.drop()
      await withoutGate()
    },
    held: async () => (await driver.held()) && !(isWanted() && (await gate.isShut())),
    async close() {
      gate.close()
      await driver.close()
    },
  }
}

/** The address must not go before the gate shuts. */
function wholeSecondsOf(leaseMs: number): number {
  return Math.ceil(leaseMs / 1000) * 1000
}
