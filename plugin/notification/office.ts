import type { HistoryEntry } from '../api/status-document.ts'
import type { Logger } from '../logger.ts'
import { type Composer, queuedOf } from './composer.ts'
import { dueAtMs, groupOf, type HeldEvent, type StormLimits } from './held-events.ts'
import type { FileHistory } from './history.ts'
import type { Outbox } from './outbox.ts'
import type { OutboxRecord } from './outbox-state.ts'

/** Puts into the outbox what the history's events mean: messages, or an event held for the summary of a storm. */
export interface Office {
  /** Catches up with what was recorded just before a crash, then follows the history. */
  start(): Promise<void>
  close(): Promise<void>
}

export interface OfficeOptions {
  readonly history: FileHistory
  readonly outbox: Outbox
  readonly composer: Composer
  readonly ownId: string
  readonly shouldSend: (entry: HistoryEntry) => boolean
  readonly storm: StormLimits
  readonly now: () => number
  readonly onQueued: () => void
  readonly logger: Logger
}

const FRESH_MS = 86_400_000
const CATCH_UP_LIMIT = 1000

export function createOffice(options: OfficeOptions): Office {
  const { history, outbox, composer, ownId, storm, now, logger } = options
  let work: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let unsubscribe = (): void => undefined

  const inTurn = (what: string, run: () => Promise<void>): Promise<void> => {
    work = work
      .then(run)
      .catch((error: unknown) => logger.error({ error, what }, 'a notification was lost'))
    return work
  }
  const add = async (records: readonly OutboxRecord[]): Promise<void> => {
    await outbox.add(records)
    if (records.some(({ type }) => type === 'queued')) options.onQueued()
    schedule()
  }
  const offer = async (entry: HistoryEntry, wanted: boolean): Promise<void> => {
    const event = wanted ? heldEvent(entry) : null
    const messages = [
      ...composer.syslog(entry, now()),
      ...(wanted && event === null ? composer.messages(entry, now()) : []),
    ]
    await add([
      ...messages.map((message) => ({ type: 'queued' as const, message, shared: false })),
      ...(event === null ? [] : [{ type: 'held' as const, event }]),
      { type: 'seen', eventId: entry.id },
    ])
  }
  /** The event as one of a storm; null when it is told by itself. */
  const heldEvent = ({ id, kind, at }: HistoryEntry): HeldEvent | null => {
    const [group, level] = [groupOf(kind), composer.levelOf(kind)]
    if (group === null || level === null) return null
    const { held, entries } = outbox.state()
    const messages = [...entries.values()].map(({ message }) => message)
    const queued = queuedOf(group, messages, ownId, now() - storm.windowMs)
    if (!held.has(group) && queued < storm.free) return null
    return { group, kind, level, eventId: id, at, firstMs: now(), lastMs: now(), count: 1 }
  }
  const release = async (): Promise<void> => {
    for (const group of outbox.state().held.values()) {
      if (dueAtMs(group, storm) > now()) continue
      const eventId = Math.max(...group.events.map((event) => event.eventId))
      const [last] = await history.list({ after: eventId - 1, before: eventId + 1 })
      if (last === undefined) logger.warn({ group: group.group }, 'a summary has no event any more')
      const messages = last === undefined ? [] : composer.summary(group, last, now())
      await add([
        ...messages.map((message) => ({ type: 'queued' as const, message, shared: false })),
        { type: 'released', group: group.group },
      ])
    }
    schedule()
  }
  const schedule = (): void => {
    clearTimeout(timer)
    const due = [...outbox.state().held.values()].map((group) => dueAtMs(group, storm))
    if (closed || due.length === 0) return
    const inMs = Math.min(Math.max(Math.min(...due) - now(), 10), storm.longestMs)
    timer = setTimeout(() => void inTurn('summary', release), inMs).unref()
  }
  const catchUp = async (): Promise<void> => {
    const { seenEventId } = outbox.state()
    // Before the first start, and after the history was removed, there is nothing to catch up with.
    if (seenEventId === null || seenEventId > history.lastId()) {
      await outbox.add([{ type: 'seen', eventId: history.lastId() }])
      return
    }
    const missed = await history.list({ after: seenEventId, limit: CATCH_UP_LIMIT })
    for (const entry of [...missed].reverse()) {
      const isFresh = now() - Date.parse(entry.at) < FRESH_MS
      if (isFresh && concernsAnybody(entry)) await offer(entry, options.shouldSend(entry))
    }
  }
  const concernsAnybody = (entry: HistoryEntry): boolean =>
    composer.levelOf(entry.kind) !== null || composer.syslog(entry, 0).length > 0

  return {
    async start() {
      unsubscribe = history.onEntry((entry) => {
        if (!concernsAnybody(entry)) return undefined
        const wanted = options.shouldSend(entry)
        return inTurn(entry.kind, () => offer(entry, wanted))
      })
      await inTurn('what was missed', catchUp)
      schedule()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      unsubscribe()
      await work
    },
  }
}
