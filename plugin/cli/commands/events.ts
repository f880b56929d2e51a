import { Option } from 'commander'
import type { HistoryEntry } from '../../api/status-document.ts'
import type { AddCommand } from '../command-context.ts'
import { formatTime, parseWholeNumber } from '../units.ts'

interface EventsOptions {
  readonly limit: number
  readonly after?: number
  readonly level?: string
  readonly kind?: string
}

export const addEvents: AddCommand = (program, action) => {
  program
    .command('events')
    .description('the history, newest first')
    .option('--limit <number>', 'how many', parseWholeNumber, 20)
    .option('--after <id>', 'only those after this id', parseWholeNumber)
    .addOption(
      new Option('--level <level>', 'only this level').choices(['information', 'warning', 'alert']),
    )
    .option('--kind <kind>', 'only this kind, for example failoverDone')
    .action(
      action<EventsOptions>(async (context, { limit, after, level, kind }) => {
        const answer = await context.agent().events({
          limit,
          ...(after === undefined ? {} : { after }),
          ...(level === undefined ? {} : { level }),
          ...(kind === undefined ? {} : { kind }),
        })
        const lines = answer.events.map(eventLine)
        return { document: answer, lines: lines.length === 0 ? ['No events.'] : lines }
      }),
    )
}

function eventLine(entry: HistoryEntry): string {
  const by = entry.actor === null ? '' : ` (by ${entry.actor})`
  const reason = entry.reason === '' ? '' : `: ${entry.reason}`
  return `${formatTime(entry.at)}  ${entry.level.padEnd(11)}  ${entry.title}${reason}${by}`
}
