import { Option } from 'commander'
import type { MaintenanceStatus } from '../../api/status-document.ts'
import { HotStandbyError } from '../../errors.ts'
import type { AddCommand } from '../command-context.ts'
import { formatMs, formatTime, parseDurationMs } from '../units.ts'

interface MaintenanceOptions {
  readonly for?: number
  readonly untilEnded?: true
  readonly pauseSynchronisation?: boolean
}

export const addMaintenance: AddCommand = (program, action) => {
  const maintenance = program
    .command('maintenance')
    .description('keep both servers from taking over while you work on one')
  maintenance
    .command('on')
    .description('begin maintenance mode, or set a new end')
    .addOption(new Option('--for <duration>', 'how long: 15min to 24h').argParser(parseDurationMs))
    .addOption(new Option('--until-ended', 'until somebody ends it').conflicts('for'))
    .option('--pause-synchronisation', 'the standby applies no changes meanwhile')
    .action(
      action<MaintenanceOptions>(async (context, options) => {
        if (options.for === undefined && options.untilEnded !== true)
          throw new HotStandbyError('HS_REQUEST_INVALID', {
            reason: 'how long is missing',
            remedy: 'Give --for 2h, or --until-ended.',
          })
        const answer = await context.agent().setMaintenance({
          on: true,
          ...(options.for === undefined ? { untilEnded: true } : { durationMs: options.for }),
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

function maintenanceLine(maintenance: MaintenanceStatus | null): string {
  if (maintenance === null) return 'Maintenance mode is off: the pair is protected.'
  const { until, remainingMs } = maintenance
  if (until === null || remainingMs === null)
    return 'Maintenance mode is on until you end it: nobody takes over.'
  return `Maintenance mode is on until ${formatTime(until)} (${formatMs(remainingMs)}): nobody takes over.`
}
