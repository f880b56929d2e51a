import { setTimeout as delay } from 'node:timers/promises'
import type { AgentApi } from '../../api/agent-api.ts'
import { toHotStandbyError } from '../../errors.ts'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { errorLines } from '../error-lines.ts'
import { statusLines } from '../status-lines.ts'

interface StatusOptions {
  readonly watch?: boolean
}

const WATCH_MS = 1000

export const addStatus: AddCommand = (program, action) => {
  program
    .command('status')
    .description('state of this server, its peer and the replication')
    .option('--watch', 'again every second until Ctrl-C; with --json one line each')
    .action(
      action<StatusOptions>(async (context, options) => {
        const agent = context.agent()
        if (options.watch === true) return watch(context, agent)
        const status = await agent.status()
        return { document: status, lines: statusLines(status) }
      }),
    )
}

async function watch(context: CommandContext, agent: AgentApi): Promise<never> {
  for (;;) {
    // An agent that is away for a moment is just what one watches for.
    const shown = await agent.status().then(
      (status) => ({ document: status, lines: statusLines(status) }),
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
