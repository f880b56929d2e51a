import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { NotificationChannel, OutboxMessage } from '../api/outbox-message.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import type { EventLevel } from '../core/settings.ts'

/** A message as it lies in the outbox file and as the peer sends it. */
export const messageSchema = z.object({
  id: z.string().min(1).max(100),
  channel: z.enum(['mail', 'webhook', 'syslog']),
  origin: z.string().max(200),
  event: z.string().max(300),
  kind: z.string().max(100),
  level: z.enum(['information', 'warning', 'alert']),
  at: z.string().max(100),
  queuedAtMs: z.number(),
  to: z.string().max(1000),
  subject: z.string().max(1000),
  text: z.string().max(100_000),
  html: z.string().max(100_000),
  messageId: z.string().max(300),
})

export interface MessageContent {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** A message on an event; its id follows from event and receiver, so that nobody gets one event twice. */
export function makeMessage(input: {
  readonly entry: HistoryEntry
  readonly level: EventLevel
  readonly channel: NotificationChannel
  readonly to: string
  readonly content: MessageContent
  readonly hostName: string
  readonly nowMs: number
  /** Several messages on one event to one receiver: the event itself, and a summary that it ends. */
  readonly variant?: string
}): OutboxMessage {
  const { entry, channel, to } = input
  const parts = [entry.serverId, entry.id, entry.at, channel, to.toLowerCase(), input.variant ?? '']
  const id = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)
  return {
    id,
    channel,
    origin: entry.serverId,
    event: `${entry.serverId}:${entry.id}`,
    kind: entry.kind,
    level: input.level,
    at: entry.at,
    queuedAtMs: input.nowMs,
    to,
    ...input.content,
    messageId: messageIdOf(id, input.hostName),
  }
}

export function messageIdOf(id: string, hostName: string): string {
  const host = hostName.replace(/[^A-Za-z0-9.-]/g, '') || 'localhost'
  const left = createHash('sha256').update(id).digest('hex').slice(0, 32)
  return `<hot-standby.${left}@${host}>`
}
