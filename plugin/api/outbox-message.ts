import type { EventLevel } from '../core/settings.ts'

/** How a message leaves. Mail goes by SMTP or by the platform's own sender. */
export type NotificationChannel = 'mail' | 'webhook' | 'syslog'

/** One message to one receiver, finished: it does not change with the settings any more. */
export interface OutboxMessage {
  /** The same on both servers and at every attempt: a message is known by it. */
  readonly id: string
  readonly channel: NotificationChannel
  /** The server whose event it is. */
  readonly origin: string
  /** The event, `server id:number`; several messages tell of one. */
  readonly event: string
  readonly kind: string
  readonly level: EventLevel
  /** When the event happened. */
  readonly at: string
  readonly queuedAtMs: number
  readonly to: string
  readonly subject: string
  /** Text of the mail, body of the webhook, line for syslog. */
  readonly text: string
  /** Empty but for mail. */
  readonly html: string
  readonly messageId: string
}

/** What one server tells the other of its outbox, so that either can send what waits. */
export interface OutboxShare {
  readonly waiting: readonly OutboxMessage[]
  /** Ids of messages that were delivered or given up. */
  readonly settled: readonly string[]
}
