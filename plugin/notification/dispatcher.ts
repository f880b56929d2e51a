import type { Logger } from '../logger.ts'
import type { Mailer, MailFailure } from './mailer.ts'
import type { Outbox } from './outbox.ts'
import type { OutboxEntry } from './outbox-state.ts'

export interface Dispatcher {
  /** Something is to be sent, or the mail server may work again: tries at once. */
  wake(): void
  /** Waits for a mail that is being sent, but not for long. */
  close(): Promise<void>
}

export interface DispatcherOptions {
  readonly outbox: Outbox
  readonly send: Mailer
  /** Wall clock, for the age of mails; retries go by the monotonic one, which nobody sets back. */
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
const WHOLE_SERVER = ' mail server'

/** Sends what waits in the outbox, one mail at a time, oldest first. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { outbox, send } = options
  /** Mails of a recipient that was refused: not before this time. */
  const notBefore = new Map<string, number>()
  const failing = new Set(failingAtStart(outbox))
  let serverFailures = 0
  let serverNotBefore = 0
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let again = false
  let closed = false

  const waiting = (): readonly OutboxEntry[] =>
    [...outbox.state().entries.values()].filter((entry) => entry.state === 'waiting')
  const delayMs = (failures: number): number =>
    options.retryDelaysMs[Math.min(failures, options.retryDelaysMs.length) - 1] ?? 0
  const beginFailing = (key: string, reason: string): void => {
    if (failing.has(key)) return
    failing.add(key)
    options.onFailing(reason)
  }

  const deliverAll = async (): Promise<void> => {
    for (const entry of waiting()) {
      if (closed || serverNotBefore > performance.now()) return
      if ((notBefore.get(entry.mail.id) ?? 0) > performance.now()) continue
      const failure = await send(entry.mail)
      if (failure === null) await delivered(entry)
      else await failed(entry, failure)
    }
  }
  const delivered = async (entry: OutboxEntry): Promise<void> => {
    serverFailures = 0
    const wasFailing = failing.size > 0
    failing.delete(WHOLE_SERVER)
    failing.delete(entry.mail.to)
    if (wasFailing && failing.size === 0) options.onRecovered()
    notBefore.delete(entry.mail.id)
    await outbox.add([{ type: 'delivered', id: entry.mail.id }])
    options.logger.info({ mail: entry.mail.id, subject: entry.mail.subject }, 'mail delivered')
  }
  const failed = async (entry: OutboxEntry, failure: MailFailure): Promise<void> => {
    const { id, to, subject, queuedAtMs } = entry.mail
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
    options.logger.warn({ mail: id, subject, attempts, gaveUp, ...failure }, 'mail not delivered')
    const who = failure.scope === 'server' ? 'the mail server' : to
    beginFailing(failure.scope === 'server' ? WHOLE_SERVER : to, `${who}: ${failure.reason}`)
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
    const times = waiting().map((entry) => notBefore.get(entry.mail.id) ?? 0)
    if (closed || times.length === 0) return
    const inMs = Math.max(Math.min(...times), serverNotBefore) - performance.now()
    timer = setTimeout(run, Math.max(inMs, 0)).unref()
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
        if (!closed) options.logger.error({ error }, 'the outbox cannot be worked off')
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

/** What was failing before a restart is still known to the administrator. */
function failingAtStart(outbox: Outbox): readonly string[] {
  return [...outbox.state().entries.values()].flatMap(({ state, mail, lastFailure }) => {
    if (state !== 'waiting' || lastFailure === null) return []
    return [lastFailure.scope === 'server' ? WHOLE_SERVER : mail.to]
  })
}
