import type { AddCommand } from '../command-context.ts'

interface DisableOptions {
  readonly force?: boolean
}

export const addDisable: AddCommand = (program, action) => {
  program
    .command('disable')
    .description('dissolve the pair on this server: it stands alone and is not protected')
    .option('--force', 'also when the peer does not answer; disable it there too')
    .action(
      action<DisableOptions>(async (context, options) => {
        const answer = await context.agent().disable({ force: options.force === true })
        return {
          document: answer,
          lines: ['Hot standby is disabled on this server. The system is not protected any more.'],
        }
      }),
    )
}
