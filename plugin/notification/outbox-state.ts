import { z } from 'zod'
import type { Delivery } from '../api/agent-api.ts'
import type { OutboxMessage } from '../api/outbox-message.ts'
import { type HeldGroup, heldAfter, heldSchema } from './held-events.ts'
import { messageSchema } from './message.ts'

/** Lines of `outbox.jsonl`, in the order in which they happened. */
const recordSchema = z.discriminatedUnion('type', [
  /** Events up to this id of the history have been dealt with. */
  z.object({ type: z.literal('seen'), eventId: z.int() }),
  z.object({ type: z.literal('queued'), message: messageSchema, shared: z.boolean() }),
  z.object({
    type: z.literal('attemptFailed'),
    id: z.string(),
    scope: z.enum(['server', 'recipient']),
    reason: z.string(),
    attempts: z.int(),
  }),
  z.object({ type: z.literal('delivered'), id: z.string() }),
  z.object({ type: z.literal('gaveUp'), id: z.string() }),
  /** The other server sent it, or gave it up. */
  z.object({ type: z.literal('settledByPeer'), id: z.string() }),
  /** The other server has it, too. */
  z.object({ type: z.literal('shared'), id: z.string() }),
  /** An event of a storm, to be told in one summary. */
  z.object({ type: z.literal('held'), event: heldSchema }),
  z.object({ type: z.literal('released'), group: z.string() }),
])
export type OutboxRecord = z.infer<typeof recordSchema>

export interface OutboxEntry {
  readonly message: OutboxMessage
  readonly state: Delivery['state']
  readonly attempts: number
  readonly lastFailure: { readonly scope: 'server' | 'recipient'; readonly reason: string } | null
  readonly shared: boolean
}

export interface OutboxState {
  /** Null before the first start. */
  readonly seenEventId: number | null
  readonly entries: ReadonlyMap<string, OutboxEntry>
  readonly held: ReadonlyMap<string, HeldGroup>
}

export const EMPTY_OUTBOX: OutboxState = { seenEventId: null, entries: new Map(), held: new Map() }

/** A record of a line; null when it is not one. */
export function toOutboxRecord(document: unknown): OutboxRecord | null {
  const result = recordSchema.safeParse(document)
  return result.success ? result.data : null
}

/** The state after more records. Records of messages that are not known, or are done, change nothing. */
export function applyRecords(state: OutboxState, records: readonly OutboxRecord[]): OutboxState {
  // One copy for all of them: a file of thousands of lines is read at the start of the agent.
  const entries = new Map(state.entries)
  let { seenEventId, held } = state
  for (const record of records) {
    if (record.type === 'seen') seenEventId = record.eventId
    else if (record.type === 'held') held = heldAfter(held, record.event)
    else if (record.type === 'released')
      held = new Map([...held].filter(([group]) => group !== record.group))
    else applyToEntry(entries, record)
  }
  return { seenEventId, entries, held }
}

function applyToEntry(
  entries: Map<string, OutboxEntry>,
  record: EntryRecord | Extract<OutboxRecord, { type: 'queued' }>,
): void {
  if (record.type === 'queued') {
    const { message, shared } = record
    if (entries.has(message.id)) return
    entries.set(message.id, { message, shared, state: 'waiting', attempts: 0, lastFailure: null })
    return
  }
  const entry = entries.get(record.id)
  if (entry === undefined || (entry.state !== 'waiting' && record.type !== 'shared')) return
  entries.set(record.id, nextEntry(entry, record))
}

/**
 * What is given up so that no more than `most` messages wait: the least important and oldest. A mail server that is away
 * for days must not fill the disk.
 */
export function excessOf(state: OutboxState, most: number): readonly OutboxRecord[] {
  const waiting = [...state.entries.values()].filter((entry) => entry.state === 'waiting')
  if (waiting.length <= most) return []
  const rank = { information: 0, warning: 1, alert: 2 } as const
  return waiting
    .sort((a, b) => rank[a.message.level] - rank[b.message.level])
    .slice(0, waiting.length - most)
    .map(({ message }) => ({ type: 'gaveUp', id: message.id }))
}

/** How long what is done is remembered: longer than a server may be away and come back with the same messages. */
export interface Retention {
  readonly nowMs: number
  readonly keepDoneMs: number
  readonly keepDone: number
}

/** The records that make the same state again, without what is long done; of what is done, only that it was. */
export function compacted(state: OutboxState, retention: Retention): readonly OutboxRecord[] {
  const entries = [...state.entries.values()]
  const done = entries.filter((entry) => entry.state !== 'waiting')
  const oldest = retention.nowMs - retention.keepDoneMs
  const kept = new Set(
    done.slice(-retention.keepDone).filter(({ message }) => message.queuedAtMs >= oldest),
  )
  const held = [...state.held.values()].flatMap(({ events }) =>
    events.map((event) => ({ type: 'held' as const, event })),
  )
  return [
    ...(state.seenEventId === null ? [] : [{ type: 'seen' as const, eventId: state.seenEventId }]),
    ...entries.filter((entry) => entry.state === 'waiting' || kept.has(entry)).flatMap(recordsOf),
    ...held,
  ]
}

export function toDelivery({ message, ...entry }: OutboxEntry): Delivery {
  const { id, at, channel, kind, level, to, subject } = message
  const { state, attempts } = entry
  const lastError = entry.lastFailure?.reason ?? null
  return { id, at, channel, kind, level, to, subject, state, attempts, lastError }
}

type EntryRecord = Exclude<OutboxRecord, { type: 'seen' | 'queued' | 'held' | 'released' }>

function nextEntry(entry: OutboxEntry, record: EntryRecord): OutboxEntry {
  switch (record.type) {
    case 'attemptFailed': {
      const { attempts, scope, reason } = record
      return { ...entry, attempts, lastFailure: { scope, reason } }
    }
    case 'delivered':
      return { ...entry, state: 'delivered', attempts: entry.attempts + 1, lastFailure: null }
    case 'gaveUp':
      return { ...entry, state: 'failed' }
    case 'settledByPeer':
      return { ...entry, state: 'byPeer', lastFailure: null }
    case 'shared':
      return { ...entry, shared: true }
  }
}

const END = { delivered: 'delivered', failed: 'gaveUp', byPeer: 'settledByPeer' } as const

function recordsOf(entry: OutboxEntry): readonly OutboxRecord[] {
  const { message, state, shared } = entry
  const { id } = message
  const isDone = state !== 'waiting'
  const failures = state === 'delivered' ? entry.attempts - 1 : entry.attempts
  const failed: OutboxRecord = {
    type: 'attemptFailed',
    id,
    attempts: failures,
    ...(entry.lastFailure ?? { scope: 'server', reason: '' }),
  }
  return [
    { type: 'queued', message: isDone ? { ...message, text: '', html: '' } : message, shared },
    ...(failures > 0 ? [failed] : []),
    ...(isDone ? [{ type: END[state], id }] : []),
  ]
}
