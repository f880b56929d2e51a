import { Option } from 'commander'
import type { AddCommand } from '../command-context.ts'
import { formatMs, formatTime, parseDurationMs } from '../units.ts'

interface MaintenanceOptions {
  readonly for: number
  readonly pauseSynchronisation?: boolean
}

export const addMaintenance: AddCommand = (program, action) => {
  const maintenance = program
    .command('maintenance')
    .description('keep both servers from taking over while you work on one; ends by itself')
  maintenance
    .command('on')
    .description('begin maintenance mode, or set a new end')
    .addOption(
      new Option('--for <duration>', 'how long: 15min to 24h')
        .argParser(parseDurationMs)
        .makeOptionMandatory(),
    )
    .option('--pause-synchronisation', 'the standby applies no changes meanwhile')
    .action(
      action<MaintenanceOptions>(async (context, options) => {
        const answer = await context.agent().setMaintenance({
          on: true,
          durationMs: options.for,
          pauseSynchronisation: options.pauseSynchronisation === true,
        })
        return { document: answer, lines: [maintenanceLine(answer.maintenance)] }
      }),
    )
  maintenance
    .command('off')
    .description('end maintenance mode now')
    .action(
      action(async (context) => {
        const answer = await context.agent().setMaintenance({ on: false })
        return { document: answer, lines: [maintenanceLine(answer.maintenance)] }
      }),
    )
}

function maintenanceLine(
  maintenance: { readonly until: string; readonly remainingMs: number } | null,
): string {
  if (maintenance === null) return 'Maintenance mode is off: the pair is protected.'
  const { until, remainingMs } = maintenance
  return `Maintenance mode is on until ${formatTime(until)} (${formatMs(remainingMs)}): nobody takes over.`
}
