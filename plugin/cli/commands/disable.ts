import type { AgentApi } from '../../api/agent-api.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { HotStandbyError } from '../../errors.ts'
import {
  previewRemoval,
  type RemovalPreview,
  removeFromDatabase,
} from '../../replication/remove-from-database.ts'
import type { AddCommand, CommandContext, Outcome } from '../command-context.ts'

interface DisableOptions {
  readonly force?: boolean
  readonly purge?: boolean
  readonly yes?: boolean
}

const NOT_PROTECTED =
  'Hot standby is disabled on this server. The system is not protected any more.'

export const addDisable: AddCommand = (program, action) => {
  program
    .command('disable')
    .description('dissolve the pair on this server: it stands alone and is not protected')
    .option(
      '--force',
      'also when the peer does not answer (disable it there too), or with --purge the agent',
    )
    .option(
      '--purge',
      'then remove everything of hot standby from the database of this server; the data of the platform stays',
    )
    .option('--yes', 'confirm --purge; without it the command only says what would be removed')
    .action(
      action<DisableOptions>(async (context, options) => {
        if (options.purge === true) return purge(context, options)
        const answer = await context.agent().disable({ force: options.force === true })
        return { document: answer, lines: [NOT_PROTECTED] }
      }),
    )
}

/** First the pair, so that the peer knows of it; then the database of this server. */
async function purge(context: CommandContext, options: DisableOptions): Promise<Outcome> {
  const config = context.config()
  const found = await previewRemoval(config.database)
  if (options.yes !== true) throw needsConfirmation(config, found)
  const agentRuns = await leavePair(context.agent(), options.force === true)
  const report = await removeFromDatabase(config.database)
  return {
    document: { ...report, agentRuns },
    lines: [
      NOT_PROTECTED,
      report.schemaDropped
        ? `Removed from the database: schema ${config.database.schema}, triggers on ${report.tables.length} tables.`
        : 'Nothing of hot standby was in the database.',
      ...(agentRuns
        ? ['The agent still runs and has no schema now: systemctl disable --now hot-standby-agent']
        : []),
      `Keys, settings and history are still in ${config.stateDirectory}; remove it when hot standby is not to come back.`,
    ],
  }
}

/** Answers whether the agent runs. Without it nobody can tell the peer, which needs the administrator's word. */
async function leavePair(agent: AgentApi, force: boolean): Promise<boolean> {
  try {
    const { setUp } = await agent.status()
    if (setUp === 'paired') await agent.disable({ force })
    return true
  } catch (thrown) {
    const silent = thrown instanceof HotStandbyError && thrown.code === 'HS_AGENT_UNREACHABLE'
    if (!silent) throw thrown
    if (force) return false
    const remedy =
      'Start the agent, so that it can leave the pair; or add --force, and disable the peer there too.'
    throw new HotStandbyError('HS_AGENT_UNREACHABLE', { ...thrown.details, remedy })
  }
}

function needsConfirmation(
  { database }: AgentConfig,
  found: RemovalPreview | null,
): HotStandbyError {
  const what =
    found === null
      ? 'nothing of hot standby is in the database'
      : `schema ${database.schema} and the triggers on ${found.tables} tables would be removed` +
        (found.unsentChanges === 0
          ? ''
          : `, and with them ${found.unsentChanges} changes that never reached the other server`)
  return new HotStandbyError('HS_CONFIRMATION_NEEDED', {
    reason: what,
    remedy: 'Add --yes to do it; nothing was changed.',
    ...found,
  })
}
