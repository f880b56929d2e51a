import { Option } from 'commander'
import type { JoinPreview } from '../../api/agent-api.ts'
import type { Identity } from '../../core/facts.ts'
import { describePairData } from '../../core/pair-data.ts'
import type { RequirementResult } from '../../core/requirements.ts'
import type { AddCommand } from '../command-context.ts'
import { followOperation } from '../follow-operation.ts'

interface JoinOptions {
  readonly peer: string
  readonly accessCode: string
  readonly preview?: boolean
  readonly keepDataOf?: Identity
  readonly wait: boolean
}

export const addJoin: AddCommand = (program, action) => {
  program
    .command('join')
    .description('pair this secondary with its primary')
    .requiredOption('--peer <host[:port]>', "the primary's own address, not the virtual IP")
    .requiredOption('--access-code <code>', 'from `hot-standby access-code` on the primary')
    .addOption(
      new Option(
        '--keep-data-of <identity>',
        'whose data the pair begins with; that of the other server is replaced',
      ).choices(['primary', 'secondary']),
    )
    .option('--preview', 'only check the requirements; nothing is changed')
    .option('--no-wait', 'do not wait until the pairing is done')
    .action(
      action<JoinOptions>(async (context, options) => {
        const agent = context.agent()
        const { peer, accessCode, keepDataOf } = options
        const input = { peer, accessCode, ...(keepDataOf === undefined ? {} : { keepDataOf }) }
        if (options.preview === true) {
          const answer = await agent.previewJoin(input)
          const failed = answer.requirements.some((one) => one.mandatory && !one.met)
          return { document: answer, lines: previewLines(answer), failed }
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

function previewLines({ requirements, data, keepDataOf }: JoinPreview): string[] {
  const replaced = keepDataOf === 'primary' ? 'secondary' : 'primary'
  return [
    ...requirements.flatMap(requirementLines),
    `Data     ${describePairData(data)}.`,
    keepDataOf === null
      ? '         Say whose is kept: --keep-data-of primary, or --keep-data-of secondary.'
      : `         The data of the ${keepDataOf} is kept, that of the ${replaced} is replaced.`,
  ]
}

function requirementLines(result: RequirementResult): string[] {
  const word = result.met ? 'ok' : result.mandatory ? 'FAILED' : 'warning'
  const line = `${word.padEnd(8)} ${result.title}: here ${result.own}, peer ${result.peer}`
  return result.met ? [line] : [line, `         ${result.remedy}`]
}
