import { setTimeout as pause } from 'node:timers/promises'
import { Option } from 'commander'
import { serviceLeaseMs, serviceLeasePath } from '../../files/service-lease.ts'
import type { AddCommand } from '../command-context.ts'
import { formatMs, parseDurationMs } from '../units.ts'

interface LeaseOptions {
  readonly while?: true
  readonly within?: number
}

const LOOK_AGAIN_MS = 1000
const LOOK_SOON_MS = 100

export const addLease: AddCommand = (program, action) => {
  program
    .command('lease')
    .description(
      'whether the telephony service may run here: status 0 while this server may serve, also when its agent hangs or is gone; 1 when not',
    )
    .option('--while', 'stay as long as it may, then end with status 1')
    .addOption(
      new Option('--within <duration>', 'wait so long for it to begin').argParser(parseDurationMs),
    )
    .action(
      action<LeaseOptions>(async (context, options) => {
        const path = serviceLeasePath(context.config())
        const begins = performance.now() + (options.within ?? 0)
        let remainingMs = await serviceLeaseMs(path)
        // The service is started shortly before the address is raised.
        while (remainingMs === 0 && performance.now() < begins) {
          await pause(LOOK_SOON_MS)
          remainingMs = await serviceLeaseMs(path)
        }
        while (options.while === true && remainingMs > 0) {
          await pause(Math.min(remainingMs, LOOK_AGAIN_MS))
          remainingMs = await serviceLeaseMs(path)
        }
        const mayServe = remainingMs > 0
        const line = mayServe
          ? `This server may serve for another ${formatMs(remainingMs)}.`
          : 'This server may not serve.'
        return { document: { mayServe, remainingMs }, lines: [line], failed: !mayServe }
      }),
    )
}
