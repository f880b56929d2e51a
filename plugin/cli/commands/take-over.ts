import { HotStandbyError } from '../../errors.ts'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { tellStepsOf } from '../follow-operation.ts'

interface TakeOverOptions {
  readonly force?: boolean
  readonly yes?: boolean
  readonly wait: boolean
}

const WORD = 'lose'

export const addTakeOver: AddCommand = (program, action) => {
  program
    .command('take-over')
    .description('make this standby active; synchronises first, refuses when a blocker stands')
    .option('--force', 'in spite of blockers: says what would be lost, and asks')
    .option('--yes', 'with --force: do not ask')
    .option('--no-wait', 'do not wait until it is done')
    .action(
      action<TakeOverOptions>(async (context, options) => {
        const agent = context.agent()
        if (options.force === true) await confirmLoss(context, options.yes === true)
        const call = agent.takeOver({ force: options.force === true, wait: options.wait })
        if (!options.wait) return { document: await call, lines: ['The take-over has begun.'] }
        const answer = await tellStepsOf(agent, 'takeOver', call, context.progress)
        return { document: answer, lines: ['This server is active now.'] }
      }),
    )
}

/** Errors: HS_CONFIRMATION_NEEDED. */
async function confirmLoss(context: CommandContext, isConfirmed: boolean): Promise<void> {
  const { meaning, blockers } = await context.agent().previewLoss()
  const lines = [meaning, ...blockers.map((blocker) => `  ${blocker.reason}`)]
  for (const line of lines) context.progress(line)
  if (isConfirmed) return
  const answer = (await context.io.ask?.(`Type "${WORD}" to take over all the same: `)) ?? null
  if (answer?.trim() === WORD) return
  throw new HotStandbyError('HS_CONFIRMATION_NEEDED', {
    reason: lines.join(' '),
    ...(answer === null ? { remedy: 'Give --yes when you accept it.' } : {}),
  })
}
