import type { NotificationChannel, OutboxMessage } from '../api/outbox-message.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { EVENT_KINDS, type EventKind } from '../core/event-kinds.ts'
import type { Contact, EventLevel, NotificationSettings } from '../core/settings.ts'
import { groupOf, type HeldGroup, highestLevel } from './held-events.ts'
import { eventMail, type MailServer, summaryMail } from './mail-text.ts'
import { makeMessage } from './message.ts'
import { syslogLine, type SyslogConfig, syslogTarget } from './syslog.ts'
import { webhookBody, type WebhookConfig, webhookTarget } from './webhook.ts'

/** Makes the messages that an event means, for all channels of this server. */
export interface Composer {
  /** Null: nobody is told of this kind. */
  levelOf(kind: EventKind): EventLevel | null
  /** To contacts and webhook. */
  messages(entry: HistoryEntry, nowMs: number): readonly OutboxMessage[]
  /** One in place of the group's many; the contacts of any of their levels get it. */
  summary(group: HeldGroup, last: HistoryEntry, nowMs: number): readonly OutboxMessage[]
  /** Every event goes to this server's own syslog, told or not. */
  syslog(entry: HistoryEntry, nowMs: number): readonly OutboxMessage[]
}

export interface ComposerOptions {
  readonly contacts: () => readonly Contact[]
  readonly settings: () => NotificationSettings
  readonly server: () => MailServer
  readonly webhook: WebhookConfig | undefined
  readonly syslog: SyslogConfig | undefined
}

export function createComposer(options: ComposerOptions): Composer {
  const { contacts, settings, server } = options
  const levelOf = (kind: EventKind): EventLevel | null => {
    const chosen = Object.hasOwn(settings().kinds, kind) ? settings().kinds[kind] : undefined
    if (chosen !== undefined) return chosen === 'off' ? null : chosen
    const definition = EVENT_KINDS[kind] as (typeof EVENT_KINDS)[EventKind] | undefined
    return definition?.notify === true ? definition.level : null
  }
  const make = (
    entry: HistoryEntry,
    level: EventLevel,
    nowMs: number,
    to: { readonly channel: NotificationChannel; readonly address: string },
    content: Parameters<typeof makeMessage>[0]['content'],
    variant = '',
  ): OutboxMessage =>
    makeMessage({
      entry,
      level,
      channel: to.channel,
      to: to.address,
      content,
      hostName: server().hostName,
      nowMs,
      variant,
    })
  const mailTo = (levels: readonly EventLevel[]) =>
    contactsOf(levels, contacts()).map((address) => ({ channel: 'mail' as const, address }))
  const hookTo = (levels: readonly EventLevel[]) =>
    options.webhook !== undefined && levels.some((level) => options.webhook?.levels.includes(level))
      ? [{ channel: 'webhook' as const, address: webhookTarget(options.webhook) }]
      : []

  return {
    levelOf,
    messages(entry, nowMs) {
      const level = levelOf(entry.kind)
      if (level === null) return []
      const mail = eventMail(entry, server(), { level, templates: settings().templates })
      const body = webhookBody(entry, level, server())
      return [
        ...mailTo([level]).map((to) => make(entry, level, nowMs, to, mail)),
        ...hookTo([level]).map((to) =>
          make(entry, level, nowMs, to, { subject: mail.subject, text: body, html: '' }),
        ),
      ].filter(({ channel }) => !isAboutChannel(entry, channel))
    },
    summary(group, last, nowMs) {
      const levels = group.events.map((event) => event.level)
      const level = highestLevel(levels)
      const mail = summaryMail(group, last, server(), {
        level,
        templates: settings().templates,
        titleOf,
      })
      const body = JSON.stringify({ type: 'summary', server: server(), level, ...group, last })
      return [
        ...mailTo(levels).map((to) => make(last, level, nowMs, to, mail, 'summary')),
        ...hookTo(levels).map((to) =>
          make(last, level, nowMs, to, { subject: mail.subject, text: body, html: '' }, 'summary'),
        ),
      ]
    },
    syslog(entry, nowMs) {
      const { syslog } = options
      if (syslog === undefined || !syslog.levels.includes(entry.level)) return []
      if (isAboutChannel(entry, 'syslog')) return []
      const text = syslogLine(entry, {
        level: entry.level,
        hostName: server().hostName,
        serialNumber: server().serialNumber,
        facility: syslog.facility,
        pid: process.pid,
      })
      const to = { channel: 'syslog', address: syslogTarget(syslog) } as const
      return [make(entry, entry.level, nowMs, to, { subject: entry.title, text, html: '' })]
    },
  }
}

/** What a storm is counted by: events of one group that this server has queued of late. */
export function queuedOf(
  group: string,
  messages: Iterable<OutboxMessage>,
  origin: string,
  sinceMs: number,
): number {
  const events = new Set<string>()
  for (const message of messages)
    if (
      message.origin === origin &&
      message.channel !== 'syslog' &&
      message.queuedAtMs >= sinceMs &&
      groupOf(message.kind) === group
    )
      events.add(message.event)
  return events.size
}

/** That mail cannot be delivered is not told by mail. */
function isAboutChannel({ kind, data }: HistoryEntry, channel: NotificationChannel): boolean {
  return (
    (kind === 'notificationFailed' || kind === 'notificationRecovered') &&
    data['channel'] === channel
  )
}

function contactsOf(
  levels: readonly EventLevel[],
  contacts: readonly Contact[],
): readonly string[] {
  const wanted = contacts.filter((contact) =>
    contact.levels.some((level) => levels.includes(level)),
  )
  return [...new Map(wanted.map(({ email }) => [email.toLowerCase(), email])).values()]
}

function titleOf(kind: string): string {
  return Object.hasOwn(EVENT_KINDS, kind) ? EVENT_KINDS[kind as EventKind].title : kind
}
