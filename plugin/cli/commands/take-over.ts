import type { AddCommand } from '../command-context.ts'
import { tellStepsOf } from '../follow-operation.ts'

interface TakeOverOptions {
  readonly force?: boolean
  readonly wait: boolean
}

export const addTakeOver: AddCommand = (program, action) => {
  program
    .command('take-over')
    .description('make this standby active; synchronises first, refuses when a blocker stands')
    .option('--force', 'in spite of blockers: changes may be lost')
    .option('--no-wait', 'do not wait until it is done')
    .action(
      action<TakeOverOptions>(async (context, options) => {
        const agent = context.agent()
        const call = agent.takeOver({ force: options.force === true, wait: options.wait })
        if (!options.wait) return { document: await call, lines: ['The take-over has begun.'] }
        const answer = await tellStepsOf(agent, 'takeOver', call, context.progress)
        return { document: answer, lines: ['This server is active now.'] }
      }),
    )
}
