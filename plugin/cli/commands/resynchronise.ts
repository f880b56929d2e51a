import type { AddCommand } from '../command-context.ts'
import { tellStepsOf } from '../follow-operation.ts'

interface ResynchroniseOptions {
  readonly wait: boolean
}

export const addResynchronise: AddCommand = (program, action) => {
  program
    .command('resynchronise')
    .description('copy the standby afresh from the active')
    .option('--no-wait', 'do not wait until it is done')
    .action(
      action<ResynchroniseOptions>(async (context, options) => {
        const agent = context.agent()
        const call = agent.resynchronise({ wait: options.wait })
        if (!options.wait)
          return { document: await call, lines: ['The resynchronisation has begun.'] }
        const answer = await tellStepsOf(agent, 'resynchronise', call, context.progress)
        return { document: answer, lines: ['The standby was copied afresh.'] }
      }),
    )
}
