import { setTimeout as delay } from 'node:timers/promises'
import type { AgentApi } from '../../api/agent-api.ts'
import type { StatusDocument } from '../../api/status-document.ts'
import { toHotStandbyError } from '../../errors.ts'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { errorLines } from '../error-lines.ts'
import { statusLines } from '../status-lines.ts'
import { tableLines } from '../table-lines.ts'

interface StatusOptions {
  readonly watch?: boolean
  readonly tables?: boolean
}

const WATCH_MS = 1000

export const addStatus: AddCommand = (program, action) => {
  program
    .command('status')
    .description('state of this server, its peer and the replication')
    .option('--tables', 'the tables one by one: state, rows, lag, last change, last check')
    .option('--watch', 'again every second until Ctrl-C; with --json one line each')
    .action(
      action<StatusOptions>(async (context, options) => {
        const agent = context.agent()
        const linesOf = options.tables === true ? tableLines : statusLines
        if (options.watch === true) return watch(context, agent, linesOf)
        const status = await agent.status()
        return { document: status, lines: linesOf(status) }
      }),
    )
}

async function watch(
  context: CommandContext,
  agent: AgentApi,
  linesOf: (status: StatusDocument) => readonly string[],
): Promise<never> {
  for (;;) {
    // An agent that is away for a moment is just what one watches for.
    const shown = await agent.status().then(
      (status) => ({ document: status, lines: linesOf(status) }),
      (thrown: unknown) => {
        const error = toHotStandbyError(thrown)
        return { document: error.toJSON(), lines: errorLines(error) }
      },
    )
    if (context.json) context.io.out(JSON.stringify(shown.document))
    else {
      context.io.clear()
      shown.lines.forEach((line) => context.io.out(line))
    }
    await delay(WATCH_MS)
  }
}
