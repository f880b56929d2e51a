import type { NotificationChannel, OutboxMessage } from '../api/outbox-message.ts'
import type { Logger } from '../logger.ts'
import type { Outbox } from './outbox.ts'
import type { OutboxEntry } from './outbox-state.ts'
import type { Sender, SendFailure } from './sender.ts'

export interface Dispatcher {
  /** Something is to be sent, or the server may work again: tries at once. */
  wake(): void
  /** Waits for a message that is being sent, but not for long. */
  close(): Promise<void>
}

export interface DispatcherOptions {
  readonly channel: NotificationChannel
  readonly outbox: Outbox
  readonly send: Sender
  /** Whether this server is the one to send it now. */
  readonly maySend: (entry: OutboxEntry) => boolean
  /** Wall clock, for the age of messages; retries go by the monotonic one, which nobody sets back. */
  readonly now: () => number
  readonly retryDelaysMs: readonly number[]
  readonly giveUpMs: number
  /** Called once when delivery begins to fail, and again only after it worked. */
  readonly onFailing: (reason: string) => void
  /** Called once when everything that had failed works again. */
  readonly onRecovered: () => void
  readonly logger: Logger
}

const CLOSE_MS = 3000
/** Whether it is this server's turn is asked again so often. */
const TURN_MS = 1000
const WHOLE_SERVER = ' server'

/** Sends what waits for one channel in the outbox, one message at a time, oldest first. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { channel, outbox, send, maySend } = options
  /** Messages of a recipient that was refused: not before this time. */
  const notBefore = new Map<string, number>()
  const failing = new Set(failingAtStart(outbox, channel))
  let serverFailures = 0
  let serverNotBefore = 0
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let again = false
  let closed = false

  const waiting = (): readonly OutboxEntry[] =>
    [...outbox.state().entries.values()].filter(
      ({ state, message }) => state === 'waiting' && message.channel === channel,
    )
  const delayMs = (failures: number): number =>
    options.retryDelaysMs[Math.min(failures, options.retryDelaysMs.length) - 1] ?? 0
  const beginFailing = (key: string, reason: string): void => {
    if (failing.has(key)) return
    failing.add(key)
    options.onFailing(reason)
  }

  const deliverAll = async (): Promise<void> => {
    for (const { message } of waiting()) {
      if (closed || serverNotBefore > performance.now()) return
      if ((notBefore.get(message.id) ?? 0) > performance.now()) continue
      // The other server may have sent it while the one before was under way.
      const entry = outbox.state().entries.get(message.id)
      if (entry?.state !== 'waiting' || !maySend(entry)) continue
      const failure = await send(message)
      if (failure === null) await delivered(message)
      else await failed(entry, failure)
    }
  }
  const delivered = async ({ id, to, subject }: OutboxMessage): Promise<void> => {
    serverFailures = 0
    const wasFailing = failing.size > 0
    failing.delete(WHOLE_SERVER)
    failing.delete(keyOf(channel, to, id))
    notBefore.delete(id)
    await outbox.add([{ type: 'delivered', id }])
    options.logger.info({ message: id, channel, subject }, 'notification delivered')
    if (wasFailing && failing.size === 0) options.onRecovered()
  }
  const failed = async (entry: OutboxEntry, failure: SendFailure): Promise<void> => {
    const { id, to, subject, queuedAtMs } = entry.message
    const attempts = entry.attempts + 1
    if (failure.scope === 'server') {
      serverFailures += 1
      serverNotBefore = performance.now() + delayMs(serverFailures)
    } else notBefore.set(id, performance.now() + delayMs(attempts))
    const gaveUp = options.now() - queuedAtMs >= options.giveUpMs
    await outbox.add([
      { type: 'attemptFailed', id, attempts, ...failure },
      ...(gaveUp ? [{ type: 'gaveUp' as const, id }] : []),
    ])
    options.logger.warn(
      { message: id, channel, subject, attempts, gaveUp, ...failure },
      'notification not delivered',
    )
    const who = failure.scope === 'server' ? SERVER_WORDS[channel] : to
    const key = failure.scope === 'server' ? WHOLE_SERVER : keyOf(channel, to, id)
    beginFailing(key, `${who}: ${failure.reason}`)
  }

  const pump = async (): Promise<void> => {
    do {
      again = false
      await deliverAll()
    } while (shouldGoOn())
    schedule()
  }
  const shouldGoOn = (): boolean => again && !closed
  const schedule = (): void => {
    const entries = waiting()
    if (closed || entries.length === 0) return
    const now = performance.now()
    const dueMs = entries.map((entry) =>
      Math.max(
        (notBefore.get(entry.message.id) ?? 0) - now,
        serverNotBefore - now,
        maySend(entry) ? 0 : TURN_MS,
      ),
    )
    clearTimeout(timer)
    timer = setTimeout(run, Math.max(Math.min(...dueMs), 0)).unref()
  }
  const run = (): void => {
    clearTimeout(timer)
    if (closed) return
    if (running !== null) {
      again = true
      return
    }
    running = pump()
      .catch((error: unknown) => {
        if (!closed) options.logger.error({ error, channel }, 'the outbox cannot be worked off')
      })
      .finally(() => {
        running = null
      })
  }
  return {
    wake() {
      serverNotBefore = 0
      run()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      const patience = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())
      await Promise.race([running, patience])
    },
  }
}

const SERVER_WORDS: Readonly<Record<NotificationChannel, string>> = {
  mail: 'the mail server',
  webhook: 'the webhook',
  syslog: 'the syslog receiver',
}

/** A mailbox that is refused fails for all its mails; a webhook refuses one message. */
function keyOf(channel: NotificationChannel, to: string, id: string): string {
  return channel === 'mail' ? to : id
}

/** What was failing before a restart is still known to the administrator. */
function failingAtStart(outbox: Outbox, channel: NotificationChannel): readonly string[] {
  return [...outbox.state().entries.values()].flatMap(({ state, message, lastFailure }) => {
    if (state !== 'waiting' || lastFailure === null || message.channel !== channel) return []
    const { to, id } = message
    return [lastFailure.scope === 'server' ? WHOLE_SERVER : keyOf(channel, to, id)]
  })
}
