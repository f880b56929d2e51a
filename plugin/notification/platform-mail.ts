import type { OutboxMessage } from '../api/outbox-message.ts'
import { HotStandbyError } from '../errors.ts'
import { oneLine } from './mail-text.ts'
import type { Sender, SendFailure } from './sender.ts'

/** Mail that the platform's own sender delivers: the web process takes one message after the other and says what became of it. */
export interface PlatformMail {
  readonly send: Sender
  /** The message that waits to be taken; the same one again until it is settled. */
  take(): OutboxMessage | null
  /** Errors: HS_NOT_FOUND when it does not wait any more. */
  settle(id: string, error: string | null): void
}

const NOT_TAKEN_MS = 30_000

/** `patienceMs`: a message that nobody took and settled by then counts as failed, and is tried again later. */
export function createPlatformMail(patienceMs = NOT_TAKEN_MS): PlatformMail {
  const offered = new Map<
    string,
    { readonly message: OutboxMessage; readonly settle: (failure: SendFailure | null) => void }
  >()
  return {
    send: (message) =>
      new Promise((resolve) => {
        const settle = (failure: SendFailure | null): void => {
          clearTimeout(timer)
          offered.delete(message.id)
          resolve(failure)
        }
        const reason = 'the sender of the platform did not take it: is its web process running?'
        const timer = setTimeout(() => settle({ scope: 'server', reason }), patienceMs).unref()
        offered.set(message.id, { message, settle })
      }),
    take: () => [...offered.values()][0]?.message ?? null,
    settle(id, error) {
      const offer = offered.get(id)
      if (offer === undefined)
        throw new HotStandbyError('HS_NOT_FOUND', {
          reason: 'no such message waits for the platform',
        })
      offer.settle(
        error === null
          ? null
          : { scope: 'server', reason: oneLine(error).slice(0, 500) || 'it failed' },
      )
    },
  }
}
