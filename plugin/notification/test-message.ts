import type { NotificationChannel } from '../api/outbox-message.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import type { EventKind } from '../core/event-kinds.ts'
import type { Contact } from '../core/settings.ts'
import { HotStandbyError } from '../errors.ts'
import { type MailServer, oneLine, testMail } from './mail-text.ts'
import { makeMessage, type MessageContent } from './message.ts'
import type { Sender } from './sender.ts'
import { syslogLine, type SyslogConfig, syslogTarget } from './syslog.ts'
import { type WebhookConfig, webhookTarget } from './webhook.ts'

export interface TestRequest {
  /** Only this channel; else every one that is configured. */
  readonly channel?: NotificationChannel
  /** Only to this address. */
  readonly email?: string
}

export interface TestOptions {
  readonly senders: Readonly<Record<NotificationChannel, Sender>>
  readonly contacts: () => readonly Contact[]
  readonly server: () => MailServer
  readonly ownId: string
  readonly webhook?: WebhookConfig | undefined
  readonly syslog?: SyslogConfig | undefined
  readonly nowMs: number
}

interface Target {
  readonly channel: NotificationChannel
  readonly to: string
  readonly content: MessageContent
}

/** Sends the tests past the outbox, and waits. Errors: HS_NOTIFICATION_FAILED naming each that was not reached. */
export async function sendTests(
  request: TestRequest,
  options: TestOptions,
): Promise<readonly string[]> {
  const entry = testEntry(options)
  const targets = targetsOf(request, options, entry)
  if (targets.length === 0) throw notSent(nobody(request), [])
  const results = await Promise.all(
    targets.map(async ({ channel, to, content }) => {
      const message = makeMessage({
        ...{ entry, level: 'information', channel, to, content, nowMs: options.nowMs },
        hostName: options.server().hostName,
      })
      return { to, failure: await options.senders[channel](message) }
    }),
  )
  const delivered = results.filter(({ failure }) => failure === null).map(({ to }) => to)
  const reasons = results.flatMap(({ to, failure }) =>
    failure === null ? [] : [`${oneLine(to)}: ${failure.reason}`],
  )
  if (reasons.length > 0) throw notSent(reasons.join('; '), delivered)
  return delivered
}

function targetsOf(
  { channel, email }: TestRequest,
  options: TestOptions,
  entry: HistoryEntry,
): readonly Target[] {
  const wants = (name: NotificationChannel): boolean =>
    channel === undefined ? email === undefined || name === 'mail' : channel === name
  const { contacts, server, webhook, syslog, nowMs } = options
  const addresses = email === undefined ? contacts().map((contact) => contact.email) : [email]
  const mail = testMail(server(), new Date(nowMs))
  const body = JSON.stringify({ type: 'test', server: server() })
  return [
    ...(wants('mail') ? [...new Set(addresses)] : []).map((to) => ({
      ...{ channel: 'mail' as const, to, content: mail },
    })),
    ...(wants('webhook') && webhook !== undefined
      ? [{ channel: 'webhook' as const, to: webhookTarget(webhook), content: plain(body) }]
      : []),
    ...(wants('syslog') && syslog !== undefined
      ? [
          {
            channel: 'syslog' as const,
            to: syslogTarget(syslog),
            content: lineOf(entry, syslog, server()),
          },
        ]
      : []),
  ]
}

function lineOf(
  entry: HistoryEntry,
  { facility }: SyslogConfig,
  server: MailServer,
): MessageContent {
  const { hostName, serialNumber } = server
  const input = {
    level: 'information',
    hostName,
    serialNumber,
    facility,
    pid: process.pid,
  } as const
  return plain(syslogLine(entry, input))
}

function plain(text: string): MessageContent {
  return { subject: 'Hot standby test', text, html: '' }
}

function testEntry({ ownId, server, nowMs }: TestOptions): HistoryEntry {
  return {
    id: 0,
    at: new Date(nowMs).toISOString(),
    serverId: ownId,
    hostName: server().hostName,
    kind: 'test' as EventKind,
    level: 'information',
    title: 'Hot standby test message',
    reason: 'an administrator asked for it',
    meaning: 'Nothing happened.',
    advice: 'Nothing to do.',
    data: {},
    actor: null,
  }
}

function nobody({ channel }: TestRequest): string {
  return channel === 'webhook' || channel === 'syslog'
    ? `no ${channel} is configured on this server`
    : 'there are no contacts'
}

function notSent(reason: string, delivered: readonly string[]): HotStandbyError {
  return new HotStandbyError('HS_NOTIFICATION_FAILED', { reason, delivered })
}
