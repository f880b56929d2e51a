import type { AddCommand } from '../command-context.ts'

interface NotifyTestOptions {
  readonly email?: string
}

export const addNotifyTest: AddCommand = (program, action) => {
  program
    .command('notify-test')
    .description('send a test mail to every contact, or to one address')
    .option('--email <address>', 'only to this address')
    .action(
      action<NotifyTestOptions>(async (context, { email }) => {
        const answer = await context.agent().notifyTest(email === undefined ? {} : { email })
        const lines = answer.delivered.map((address) => `Delivered to ${address}`)
        return { document: answer, lines }
      }),
    )
}
