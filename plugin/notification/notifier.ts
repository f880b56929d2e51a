import { createHash } from 'node:crypto'
import type { Delivery } from '../api/agent-api.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { EVENT_KINDS } from '../core/event-kinds.ts'
import type { Contact } from '../core/settings.ts'
import { HotStandbyError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { createDispatcher } from './dispatcher.ts'
import type { FileHistory } from './history.ts'
import { eventMail, type MailServer, oneLine, testMail } from './mail-text.ts'
import { createMailer, type Mailer, type SmtpConfig } from './mailer.ts'
import { openOutbox } from './outbox.ts'
import { type OutboxMail, toDelivery } from './outbox-state.ts'

export interface Notifier {
  /** Newest first. */
  deliveries(): readonly Delivery[]
  /**
   * Sends a test mail at once to the address, or to every contact; returns who got it.
   * Errors: HS_NOTIFICATION_FAILED naming each address that was not reached.
   */
  sendTest(email?: string): Promise<readonly string[]>
  /** Stops; what was not sent is sent after the next start. Safe to call twice. */
  close(): Promise<void>
}

export interface NotifierOptions {
  readonly stateDirectory: string
  readonly history: FileHistory
  readonly smtp: SmtpConfig | undefined
  readonly contacts: () => readonly Contact[]
  readonly server: () => MailServer
  /** Whether this server of the two is the one to tell of this event; asked when it happens. */
  readonly shouldSend: (entry: HistoryEntry) => boolean
  readonly logger?: Logger
  /** Waiting time after the first, second … failure; the last one repeats. */
  readonly retryDelaysMs?: readonly number[]
  readonly giveUpMs?: number
  readonly now?: () => number
}

const DAY_MS = 86_400_000
const GIVE_UP_MS = 5 * DAY_MS
const RETRY_DELAYS_MS = [5_000, 15_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000]
const CATCH_UP_LIMIT = 1000

/**
 * Mails the history's events to the contacts of their level: each event once to each contact, in spite of restarts. A
 * mail is on disk before it is sent; after a crash between the mail server's yes and our note of it, the same mail goes
 * out again with the same message id.
 */
export async function createNotifier(options: NotifierOptions): Promise<Notifier> {
  const logger = options.logger ?? silentLogger
  const now = options.now ?? Date.now
  const outbox = await openOutbox(options.stateDirectory, logger)
  const send = options.smtp === undefined ? withoutSmtp : createMailer(options.smtp)
  const dispatcher = createDispatcher({
    outbox,
    send,
    now,
    retryDelaysMs: options.retryDelaysMs ?? RETRY_DELAYS_MS,
    giveUpMs: options.giveUpMs ?? GIVE_UP_MS,
    onFailing: (reason) => options.history.record({ kind: 'notificationFailed', reason }),
    onRecovered: () =>
      options.history.record({ kind: 'notificationRecovered', reason: 'a mail was delivered' }),
    logger,
  })

  const offer = async (entry: HistoryEntry, wanted: boolean): Promise<void> => {
    const contacts = wanted ? contactsFor(entry, options.contacts()) : []
    const mails = contacts.map((email) => mailOf(entry, email, options.server(), now()))
    await outbox.add([
      ...mails.map((mail) => ({ type: 'queued' as const, mail })),
      { type: 'seen', eventId: entry.id },
    ])
    if (mails.length > 0) dispatcher.wake()
  }
  let offering = catchUp(options, outbox.state().seenEventId, now(), offer, () =>
    outbox.add([{ type: 'seen', eventId: options.history.lastId() }]),
  )
  const enqueue = (entry: HistoryEntry): void => {
    if (!EVENT_KINDS[entry.kind].notify) return
    const wanted = options.shouldSend(entry)
    offering = offering
      .then(() => offer(entry, wanted))
      .catch((error: unknown) =>
        logger.error({ error, kind: entry.kind }, 'an event mail was lost'),
      )
  }
  const unsubscribe = options.history.onEntry(enqueue)
  await offering
  dispatcher.wake()

  let closed: Promise<void> | null = null
  return {
    deliveries: () => [...outbox.state().entries.values()].map(toDelivery).reverse(),
    async sendTest(email) {
      const targets =
        email === undefined ? options.contacts().map((contact) => contact.email) : [email]
      if (targets.length === 0) throw notSent('there are no contacts', [])
      const mail = testMail(options.server(), new Date(now()))
      const results = await Promise.all(
        [...new Set(targets)].map(async (to) => {
          const messageId = messageIdOf(`test ${now()} ${to}`, options.server().hostName)
          return { to, failure: await send({ ...mail, to, messageId }) }
        }),
      )
      const delivered = results.filter(({ failure }) => failure === null).map(({ to }) => to)
      const reasons = results.flatMap(({ to, failure }) =>
        failure === null ? [] : [`${oneLine(to)}: ${failure.reason}`],
      )
      if (delivered.length > 0) dispatcher.wake()
      if (reasons.length > 0) throw notSent(reasons.join('; '), delivered)
      return delivered
    },
    close: () =>
      (closed ??= (async () => {
        unsubscribe()
        await offering
        await dispatcher.close()
        await outbox.close()
      })()),
  }
}

/** Events that were recorded just before a crash, and not yet put into the outbox. */
async function catchUp(
  options: NotifierOptions,
  seenEventId: number | null,
  nowMs: number,
  offer: (entry: HistoryEntry, wanted: boolean) => Promise<void>,
  markSeen: () => Promise<void>,
): Promise<void> {
  // Before the first start, and after the history was removed, there is nothing to catch up with.
  if (seenEventId === null || seenEventId > options.history.lastId()) {
    await markSeen()
    return
  }
  const missed = await options.history.list({ after: seenEventId, limit: CATCH_UP_LIMIT })
  for (const entry of [...missed].reverse()) {
    const fresh = nowMs - Date.parse(entry.at) < DAY_MS
    if (EVENT_KINDS[entry.kind]?.notify && fresh) await offer(entry, options.shouldSend(entry))
  }
}

const withoutSmtp: Mailer = () =>
  Promise.resolve({ scope: 'server', reason: 'no SMTP server is configured' })

function contactsFor(entry: HistoryEntry, contacts: readonly Contact[]): readonly string[] {
  const wanted = contacts.filter((contact) => contact.levels.includes(entry.level))
  return [...new Map(wanted.map(({ email }) => [email.toLowerCase(), email])).values()]
}

function mailOf(
  entry: HistoryEntry,
  to: string,
  server: MailServer,
  queuedAtMs: number,
): OutboxMail {
  const id = createHash('sha256')
    .update(JSON.stringify([entry.serverId, entry.id, entry.at, to.toLowerCase()]))
    .digest('hex')
    .slice(0, 24)
  const messageId = messageIdOf(id, server.hostName)
  return { id, at: entry.at, queuedAtMs, to, messageId, ...eventMail(entry, server) }
}

function messageIdOf(id: string, hostName: string): string {
  const host = hostName.replace(/[^A-Za-z0-9.-]/g, '') || 'localhost'
  const left = createHash('sha256').update(id).digest('hex').slice(0, 32)
  return `<hot-standby.${left}@${host}>`
}

function notSent(reason: string, delivered: readonly string[]): HotStandbyError {
  return new HotStandbyError('HS_NOTIFICATION_FAILED', { reason, delivered })
}
