import type { RequirementResult } from '../../core/requirements.ts'
import type { AddCommand } from '../command-context.ts'
import { followOperation } from '../follow-operation.ts'

interface JoinOptions {
  readonly peer: string
  readonly accessCode: string
  readonly preview?: boolean
  readonly wait: boolean
}

export const addJoin: AddCommand = (program, action) => {
  program
    .command('join')
    .description('pair this secondary with its primary')
    .requiredOption('--peer <host[:port]>', "the primary's own address, not the virtual IP")
    .requiredOption('--access-code <code>', 'from `hot-standby access-code` on the primary')
    .option('--preview', 'only check the requirements; nothing is changed')
    .option('--no-wait', 'do not wait until the pairing is done')
    .action(
      action<JoinOptions>(async (context, options) => {
        const agent = context.agent()
        const input = { peer: options.peer, accessCode: options.accessCode }
        if (options.preview === true) {
          const answer = await agent.previewJoin(input)
          const failed = answer.requirements.some((one) => one.mandatory && !one.met)
          return { document: answer, lines: answer.requirements.flatMap(requirementLines), failed }
        }
        const { operation } = await agent.join(input)
        if (!options.wait) return { document: { operation }, lines: ['The pairing has begun.'] }
        const done = await followOperation(agent, operation, context.progress)
        return {
          document: { operation: done },
          lines: [
            'The servers are paired. Wait for the initial synchronisation:',
            '  hot-standby wait --for in-sync',
          ],
        }
      }),
    )
}

function requirementLines(result: RequirementResult): string[] {
  const word = result.met ? 'ok' : result.mandatory ? 'FAILED' : 'warning'
  const line = `${word.padEnd(8)} ${result.title}: here ${result.own}, peer ${result.peer}`
  return result.met ? [line] : [line, `         ${result.remedy}`]
}
