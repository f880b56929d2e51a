import { Option } from 'commander'
import { HotStandbyError } from '../../errors.ts'
import type { AddCommand } from '../command-context.ts'
import { tellStepsOf } from '../follow-operation.ts'
import { parseDurationMs } from '../units.ts'

interface SwitchoverOptions {
  readonly whenIdle?: boolean
  readonly within?: number
  readonly wait: boolean
  readonly cancel?: boolean
}

export const addSwitchover: AddCommand = (program, action) => {
  program
    .command('switchover')
    .description(
      'make the standby active, from either server; refuses when a blocker stands, takes all back when a step fails',
    )
    .option(
      '--when-idle',
      'wait until no call is active (the command services.calls says how many)',
    )
    .addOption(
      new Option('--within <duration>', 'with --when-idle: give up after this time').argParser(
        parseDurationMs,
      ),
    )
    .option('--cancel', 'call off a switchover that waits for calls to end')
    .option('--no-wait', 'do not wait until it is done')
    .action(
      action<SwitchoverOptions>(async (context, options) => {
        const agent = context.agent()
        if (options.cancel === true)
          return { document: await agent.cancelSwitchover(), lines: ['It was called off.'] }
        if (options.within !== undefined && options.whenIdle !== true)
          throw new HotStandbyError('HS_REQUEST_INVALID', {
            reason: '--within goes with --when-idle',
          })
        const call = agent.switchOver({
          whenIdle: options.whenIdle === true,
          wait: options.wait,
          ...(options.within === undefined ? {} : { withinMs: options.within }),
        })
        if (!options.wait) return { document: await call, lines: ['The switchover has begun.'] }
        const answer = await tellStepsOf(agent, 'switchover', call, context.progress)
        return { document: answer, lines: ['The active role has moved to the other server.'] }
      }),
    )
}
