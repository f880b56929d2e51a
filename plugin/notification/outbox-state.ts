import { z } from 'zod'
import type { Delivery } from '../api/agent-api.ts'

/** One mail that is to be sent, or was. */
export interface OutboxMail {
  readonly id: string
  /** When the event happened. */
  readonly at: string
  readonly queuedAtMs: number
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly messageId: string
}

/** Lines of `outbox.jsonl`, in the order in which they happened. */
const recordSchema = z.discriminatedUnion('type', [
  /** Events up to this id of the history have been dealt with. */
  z.object({ type: z.literal('seen'), eventId: z.int() }),
  z.object({
    type: z.literal('queued'),
    mail: z.object({
      id: z.string(),
      at: z.string(),
      queuedAtMs: z.number(),
      to: z.string(),
      subject: z.string(),
      text: z.string(),
      html: z.string(),
      messageId: z.string(),
    }),
  }),
  z.object({
    type: z.literal('attemptFailed'),
    id: z.string(),
    scope: z.enum(['server', 'recipient']),
    reason: z.string(),
    attempts: z.int(),
  }),
  z.object({ type: z.literal('delivered'), id: z.string() }),
  z.object({ type: z.literal('gaveUp'), id: z.string() }),
])
export type OutboxRecord = z.infer<typeof recordSchema>

export interface OutboxEntry {
  readonly mail: OutboxMail
  readonly state: Delivery['state']
  readonly attempts: number
  readonly lastFailure: { readonly scope: 'server' | 'recipient'; readonly reason: string } | null
}

export interface OutboxState {
  /** Null before the first start. */
  readonly seenEventId: number | null
  readonly entries: ReadonlyMap<string, OutboxEntry>
}

export const EMPTY_OUTBOX: OutboxState = { seenEventId: null, entries: new Map() }

/** A record of a line; null when it is not one. */
export function toOutboxRecord(document: unknown): OutboxRecord | null {
  const result = recordSchema.safeParse(document)
  return result.success ? result.data : null
}

/** The state after one more record. Records of mails that are not known, or are done, change nothing. */
export function applyRecord(state: OutboxState, record: OutboxRecord): OutboxState {
  if (record.type === 'seen') return { ...state, seenEventId: record.eventId }
  if (record.type === 'queued') {
    if (state.entries.has(record.mail.id)) return state
    const entry = { mail: record.mail, state: 'waiting', attempts: 0, lastFailure: null } as const
    return { ...state, entries: new Map(state.entries).set(record.mail.id, entry) }
  }
  const entry = state.entries.get(record.id)
  if (entry?.state !== 'waiting') return state
  return { ...state, entries: new Map(state.entries).set(record.id, nextEntry(entry, record)) }
}

/** The records that make the same state again, without what is long done. */
export function compacted(state: OutboxState, keepDone: number): readonly OutboxRecord[] {
  const entries = [...state.entries.values()]
  const done = entries.filter((entry) => entry.state !== 'waiting')
  const dropped = new Set(done.slice(0, Math.max(0, done.length - keepDone)))
  const kept = entries.filter((entry) => !dropped.has(entry)).flatMap(recordsOf)
  return state.seenEventId === null ? kept : [{ type: 'seen', eventId: state.seenEventId }, ...kept]
}

export function toDelivery(entry: OutboxEntry): Delivery {
  return {
    id: entry.mail.id,
    at: entry.mail.at,
    to: entry.mail.to,
    subject: entry.mail.subject,
    state: entry.state,
    attempts: entry.attempts,
    lastError: entry.lastFailure?.reason ?? null,
  }
}

function nextEntry(
  entry: OutboxEntry,
  record: Exclude<OutboxRecord, { type: 'seen' | 'queued' }>,
): OutboxEntry {
  switch (record.type) {
    case 'attemptFailed':
      return {
        ...entry,
        attempts: record.attempts,
        lastFailure: { scope: record.scope, reason: record.reason },
      }
    case 'delivered':
      return { ...entry, state: 'delivered', attempts: entry.attempts + 1, lastFailure: null }
    case 'gaveUp':
      return { ...entry, state: 'failed' }
  }
}

function recordsOf(entry: OutboxEntry): readonly OutboxRecord[] {
  const { id } = entry.mail
  const failure: readonly OutboxRecord[] =
    entry.attempts === 0
      ? []
      : [
          {
            type: 'attemptFailed',
            id,
            attempts: entry.state === 'delivered' ? entry.attempts - 1 : entry.attempts,
            ...(entry.lastFailure ?? { scope: 'server', reason: '' }),
          },
        ]
  const end: readonly OutboxRecord[] =
    entry.state === 'waiting'
      ? []
      : [{ type: entry.state === 'delivered' ? 'delivered' : 'gaveUp', id }]
  return [{ type: 'queued', mail: entry.mail }, ...failure, ...end]
}
