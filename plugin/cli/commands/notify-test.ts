import { Option } from 'commander'
import type { NotificationChannel } from '../../api/outbox-message.ts'
import type { AddCommand } from '../command-context.ts'

interface NotifyTestOptions {
  readonly email?: string
  readonly channel?: NotificationChannel
}

export const addNotifyTest: AddCommand = (program, action) => {
  program
    .command('notify-test')
    .description('send a test to every contact and channel, to one channel, or to one address')
    .addOption(
      new Option('--channel <channel>', 'only through this channel').choices([
        'mail',
        'webhook',
        'syslog',
      ]),
    )
    .option('--email <address>', 'only a mail to this address')
    .action(
      action<NotifyTestOptions>(async (context, { email, channel }) => {
        const answer = await context.agent().notifyTest({
          ...(email === undefined ? {} : { email }),
          ...(channel === undefined ? {} : { channel }),
        })
        const lines = answer.delivered.map((address) => `Delivered to ${address}`)
        return { document: answer, lines }
      }),
    )
}
