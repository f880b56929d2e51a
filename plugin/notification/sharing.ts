import type { OutboxMessage, OutboxShare } from '../api/outbox-message.ts'
import type { Logger } from '../logger.ts'
import { messageSchema } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { OutboxEntry, OutboxRecord } from './outbox-state.ts'

/** Keeps the outboxes of both servers alike, so that whichever is active can send what waits. */
export interface Sharing {
  /** What the peer tells of its outbox; the answer names what is settled here. */
  take(share: OutboxShare): Promise<OutboxShare>
  /** Tells the peer what it does not know yet; false when it could not be told. Never throws. */
  tell(): Promise<boolean>
}

export interface SharingOptions {
  readonly outbox: Outbox
  readonly ownId: string
  /** Null while this server has no peer. */
  readonly peer: () => { share(input: OutboxShare): Promise<OutboxShare> } | null
  /** Something new waits. */
  readonly onNew: () => void
  readonly logger: Logger
}

const BATCH = 5
const SETTLED_BATCH = 500

/** Syslog is each server's own; everything else is shared. */
export function createSharing({ outbox, ownId, peer, onNew, logger }: SharingOptions): Sharing {
  /** Settled ones that the peer knows of; told again after a restart, which does no harm. */
  const told = new Set<string>()

  const take = async (share: OutboxShare): Promise<OutboxShare> => {
    const { entries } = outbox.state()
    const messages = share.waiting
      .map((message) => messageSchema.safeParse(message).data)
      .filter((message): message is OutboxMessage => message !== undefined)
      .filter(({ channel }) => channel !== 'syslog')
    const records: OutboxRecord[] = [
      ...messages
        .filter(({ id }) => !entries.has(id))
        .map((message) => ({ type: 'queued' as const, message, shared: true })),
      ...messages
        .filter(({ id }) => entries.get(id)?.shared === false)
        .map(({ id }) => ({ type: 'shared' as const, id })),
      ...settledRecords(share.settled, outbox),
    ]
    if (records.length > 0) await outbox.add(records)
    if (records.some(({ type }) => type === 'queued')) onNew()
    const settled = messages
      .map(({ id }) => id)
      .filter((id) => (outbox.state().entries.get(id)?.state ?? 'waiting') !== 'waiting')
    return { waiting: [], settled }
  }

  const tell = async (): Promise<boolean> => {
    const other = peer()
    if (other === null) return true
    for (;;) {
      const entries = [...outbox.state().entries.values()]
      const waiting = entries
        .filter(isToShare)
        .slice(0, BATCH)
        .map(({ message }) => message)
      const settled = entries
        .filter((entry) => isSettled(entry) && concernsPeer(entry, ownId))
        .map(({ message }) => message.id)
        .filter((id) => !told.has(id))
        .slice(0, SETTLED_BATCH)
      if (waiting.length === 0 && settled.length === 0) return true
      try {
        const answer = await other.share({ waiting, settled })
        settled.forEach((id) => told.add(id))
        await outbox.add([
          ...waiting.map(({ id }) => ({ type: 'shared' as const, id })),
          ...settledRecords(answer.settled, outbox),
        ])
      } catch (error) {
        logger.debug({ error }, 'the outbox could not be shared with the peer')
        return false
      }
    }
  }
  return { take, tell }
}

function isToShare({ message, state, shared }: OutboxEntry): boolean {
  return state === 'waiting' && !shared && message.channel !== 'syslog'
}

function isSettled({ state }: OutboxEntry): boolean {
  return state === 'delivered' || state === 'failed'
}

/** The peer has it, or made it. */
function concernsPeer({ message, shared }: OutboxEntry, ownId: string): boolean {
  return shared || message.origin !== ownId
}

function settledRecords(ids: readonly string[], outbox: Outbox): readonly OutboxRecord[] {
  return ids
    .filter((id) => outbox.state().entries.get(id)?.state === 'waiting')
    .map((id) => ({ type: 'settledByPeer', id }))
}
