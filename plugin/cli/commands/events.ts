import { Option } from 'commander'
import type { EventsQuery } from '../../api/agent-api.ts'
import { eventsCsv } from '../../api/events-csv.ts'
import type { HistoryEntry } from '../../api/status-document.ts'
import type { AddCommand } from '../command-context.ts'
import { formatTime, parseTime, parseWholeNumber } from '../units.ts'

interface EventsOptions extends EventsQuery {
  readonly csv?: boolean
}

export const addEvents: AddCommand = (program, action) => {
  program
    .command('events')
    .description('the history of this server, or of its peer, newest first')
    .option('--limit <number>', 'how many, 10000 at the most', parseWholeNumber, 20)
    .option('--after <id>', 'only those after this id', parseWholeNumber)
    .option('--before <id>', 'only those before this id', parseWholeNumber)
    .option('--since <time>', 'only from this time on: 2026-03-01T09:00, or 2h, 3d ago', parseTime)
    .option('--until <time>', 'only those earlier than this time', parseTime)
    .addOption(
      new Option('--level <level>', 'only this level').choices(['information', 'warning', 'alert']),
    )
    .option('--kind <kind>', 'only this kind, for example failoverDone')
    .option(
      '--server <name>',
      'only those of this host name or server id; peer: the history of the other server',
    )
    .option('--by <name>', 'only what this user asked for; * for anybody')
    .option('--csv', 'as a table for a spreadsheet (RFC 4180)')
    .action(
      action<EventsOptions>(async (context, options) => {
        const answer = await context.agent().events(queryOf(options))
        return { document: answer, lines: linesOf(answer.events, options.csv === true) }
      }),
    )
}

const FILTERS = [
  ...(['limit', 'after', 'before', 'level', 'kind'] as const),
  ...(['server', 'by', 'since', 'until'] as const),
]

function queryOf(options: EventsOptions): EventsQuery {
  const given = FILTERS.map((name) => [name, options[name]] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

function linesOf(events: readonly HistoryEntry[], asCsv: boolean): readonly string[] {
  if (asCsv) return eventsCsv(events).trimEnd().split('\r\n')
  return events.length === 0 ? ['No events.'] : events.map(eventLine)
}

function eventLine(entry: HistoryEntry): string {
  const by = entry.actor === null ? '' : ` (by ${entry.actor})`
  const reason = entry.reason === '' ? '' : `: ${entry.reason}`
  return `${formatTime(entry.at)}  ${entry.level.padEnd(11)}  ${entry.title}${reason}${by}`
}
