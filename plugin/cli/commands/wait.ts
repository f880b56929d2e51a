import { Option } from 'commander'
import type { WaitInput } from '../../api/agent-api.ts'
import type { AddCommand } from '../command-context.ts'
import { formatMs, parseDurationMs } from '../units.ts'

interface WaitOptions {
  readonly for: WaitInput['for']
  readonly timeout: number
}

const DEFAULT_TIMEOUT_MS = 60_000

const REACHED: Readonly<Record<WaitInput['for'], string>> = {
  'in-sync': 'Everything committed on the active before this call is on the standby.',
  active: 'This server is active.',
  standby: 'This server is standby.',
}

export const addWait: AddCommand = (program, action) => {
  program
    .command('wait')
    .description('wait until this server is in the state; status 1 when it is not in time')
    .addOption(
      new Option('--for <state>', 'what to wait for')
        .choices(['in-sync', 'active', 'standby'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--timeout <seconds>', 'how long at most')
        .argParser(parseDurationMs)
        .default(DEFAULT_TIMEOUT_MS, formatMs(DEFAULT_TIMEOUT_MS)),
    )
    .action(
      action<WaitOptions>(async (context, options) => {
        const answer = await context.agent().wait({ for: options.for, timeoutMs: options.timeout })
        return { document: answer, lines: [REACHED[options.for]] }
      }),
    )
}
