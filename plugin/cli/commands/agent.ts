import { Option } from 'commander'
import pino from 'pino'
import type { AddCommand } from '../command-context.ts'
import { untilToldToStop } from '../until-told-to-stop.ts'

interface AgentOptions {
  readonly logLevel?: string
  readonly withParent?: boolean
}

const STANDARD_ERROR = 2

export const addAgent: AddCommand = (program, action) => {
  program
    .command('agent')
    .description('run the agent in the foreground; SIGTERM and SIGINT stop it cleanly')
    .addOption(
      new Option('--log-level <level>', 'in place of logLevel of the configuration').choices([
        'debug',
        'info',
        'warn',
        'error',
      ]),
    )
    .option('--with-parent', 'stop when standard input closes, that is when the parent ends')
    .action(
      action<AgentOptions>(async (context, options) => {
        const config = context.config()
        const level = options.logLevel ?? config.logLevel
        const logger = pino({ name: 'hot-standby', level }, pino.destination(STANDARD_ERROR))
        const told = untilToldToStop(options.withParent === true)
        // Loaded here alone, so that the other commands stay quick.
        const { createNodeAgent } = await import('../../create-node-agent.ts')
        const agent = await createNodeAgent(config, { logger })
        try {
          // A stop request during a start that hangs must end it too.
          await Promise.race([agent.start(), told])
          const why = await Promise.race([told, agent.failed])
          logger.info({ why }, 'the agent stops')
        } finally {
          await agent.stop()
        }
        return { document: { stopped: true }, lines: [] }
      }),
    )
}
