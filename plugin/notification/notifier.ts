import type { Delivery } from '../api/agent-api.ts'
import type { NotificationChannel, OutboxMessage, OutboxShare } from '../api/outbox-message.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import { type Contact, DEFAULT_NOTIFICATIONS, type NotificationSettings } from '../core/settings.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { createComposer } from './composer.ts'
import { createDispatcher, type Dispatcher } from './dispatcher.ts'
import { STORM_LIMITS, type StormLimits } from './held-events.ts'
import type { FileHistory } from './history.ts'
import type { MailServer } from './mail-text.ts'
import { createMailer, type SmtpConfig, verifyMailServer } from './mailer.ts'
import { createOffice } from './office.ts'
import { openOutbox } from './outbox.ts'
import { type OutboxEntry, toDelivery } from './outbox-state.ts'
import { createPlatformMail } from './platform-mail.ts'
import { notConfigured, type Sender } from './sender.ts'
import { createSharing } from './sharing.ts'
import { createSyslogSender, type SyslogConfig } from './syslog.ts'
import { sendTests, type TestRequest } from './test-message.ts'
import { createWebhookSender, type WebhookConfig } from './webhook.ts'

export interface Notifier {
  /** Newest first. */
  deliveries(): readonly Delivery[]
  /**
   * Sends a test at once: to one address, through one channel, or to every contact and channel; returns who got it.
   * Errors: HS_NOTIFICATION_FAILED naming each that was not reached.
   */
  sendTest(request?: TestRequest): Promise<readonly string[]>
  /** Whether the mail server would take a mail; sends none. Null: mail does not go by SMTP, or is not configured. */
  verifyMail(): Promise<{ readonly failure: string | null } | null>
  /** What the other server tells of its outbox. */
  share(input: OutboxShare): Promise<OutboxShare>
  /** For the platform's own sender; null while nothing waits, or mail goes by SMTP. */
  takeMail(): OutboxMessage | null
  /** Errors: HS_NOT_FOUND. */
  settleMail(id: string, error: string | null): void
  /** Stops; what was not sent is sent after the next start. Safe to call twice. */
  close(): Promise<void>
}

export interface NotifierOptions {
  readonly stateDirectory: string
  readonly history: FileHistory
  readonly ownId: string
  readonly smtp: SmtpConfig | undefined
  /** Who delivers mail. */
  readonly mail?: 'smtp' | 'platform'
  readonly webhook?: WebhookConfig | undefined
  readonly syslog?: SyslogConfig | undefined
  readonly contacts: () => readonly Contact[]
  readonly settings?: () => NotificationSettings
  readonly server: () => MailServer
  /** Whether this server of the two is the one to tell of this event; asked when it happens. */
  readonly shouldSend: (entry: HistoryEntry) => boolean
  /** What this server sends now: everything as the active, only its own when it is alone, nothing as standby. */
  readonly turn?: () => 'all' | 'own' | 'none'
  readonly peer?: () => { share(input: OutboxShare): Promise<OutboxShare> } | null
  readonly logger?: Logger
  /** Waiting time after the first, second … failure; the last one repeats. */
  readonly retryDelaysMs?: readonly number[]
  readonly giveUpMs?: number
  /** A standby sends its own message after so long when it could not give it to the other server. */
  readonly patienceMs?: number
  readonly shareEveryMs?: number
  readonly storm?: StormLimits
  readonly now?: () => number
}

const DAY_MS = 86_400_000
const GIVE_UP_MS = 5 * DAY_MS
const PATIENCE_MS = 20_000
const SHARE_EVERY_MS = 1000
const RETRY_DELAYS_MS = [5_000, 15_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000]

/**
 * Tells the contacts, a webhook and syslog of the history's events: each event once to each of them, in spite of
 * restarts and failovers. A message is on the disk of this server before it is sent, and soon on that of the other one;
 * the active server sends. After a crash between the receiver's yes and our note of it the same message goes out again,
 * with the same message id.
 */
export async function createNotifier(options: NotifierOptions): Promise<Notifier> {
  const logger = options.logger ?? silentLogger
  const now = options.now ?? Date.now
  const peer = options.peer ?? (() => null)
  const outbox = await openOutbox(options.stateDirectory, logger, now)
  const platform = createPlatformMail()
  const senders = sendersOf(options, platform.send)
  const dispatchers = (Object.keys(senders) as NotificationChannel[]).map((channel) =>
    createDispatcher({
      channel,
      outbox,
      send: senders[channel],
      maySend: turnOf(options, now),
      now,
      retryDelaysMs: options.retryDelaysMs ?? RETRY_DELAYS_MS,
      giveUpMs: options.giveUpMs ?? GIVE_UP_MS,
      onFailing: (reason) =>
        options.history.record({ kind: 'notificationFailed', reason, data: { channel } }),
      onRecovered: () =>
        options.history.record({
          kind: 'notificationRecovered',
          reason: `by ${channel}`,
          data: { channel },
        }),
      logger,
    }),
  )
  const sharing = createSharing({ outbox, ownId: options.ownId, peer, onNew: wakeAll, logger })
  const sharer = startSharer(() => sharing.tell(), options.shareEveryMs ?? SHARE_EVERY_MS)
  const composer = createComposer({
    contacts: options.contacts,
    settings: options.settings ?? (() => DEFAULT_NOTIFICATIONS),
    server: options.server,
    webhook: options.webhook,
    syslog: options.syslog,
  })
  const office = createOffice({
    ...options,
    outbox,
    composer,
    storm: options.storm ?? STORM_LIMITS,
    now,
    logger,
    onQueued: () => {
      wakeAll()
      sharer.wake()
    },
  })
  await office.start()
  wakeAll()

  function wakeAll(): void {
    dispatchers.forEach((dispatcher: Dispatcher) => dispatcher.wake())
  }

  let closed: Promise<void> | null = null
  return {
    deliveries: () => [...outbox.state().entries.values()].map(toDelivery).reverse(),
    async sendTest(request = {}) {
      const delivered = await sendTests(request, { ...options, senders, nowMs: now() })
      wakeAll()
      return delivered
    },
    async verifyMail() {
      const { smtp, mail } = options
      return smtp === undefined || mail === 'platform'
        ? null
        : { failure: await verifyMailServer(smtp) }
    },
    share: (input) => sharing.take(input),
    takeMail: () => platform.take(),
    settleMail: (id, error) => platform.settle(id, error),
    close: () =>
      (closed ??= (async () => {
        sharer.stop()
        await office.close()
        await Promise.all(dispatchers.map((dispatcher) => dispatcher.close()))
        await outbox.close()
      })()),
  }
}

function sendersOf(
  { mail, smtp, webhook, syslog }: NotifierOptions,
  platform: Sender,
): Readonly<Record<NotificationChannel, Sender>> {
  const bySmtp = smtp === undefined ? notConfigured('no SMTP server') : createMailer(smtp)
  return {
    mail: mail === 'platform' ? platform : bySmtp,
    webhook: webhook === undefined ? notConfigured('no webhook') : createWebhookSender(webhook),
    syslog: syslog === undefined ? notConfigured('no syslog') : createSyslogSender(syslog),
  }
}

/** The active sends what both have; a standby only what it could not give away. */
function turnOf(options: NotifierOptions, now: () => number): (entry: OutboxEntry) => boolean {
  const patienceMs = options.patienceMs ?? PATIENCE_MS
  return ({ message, shared }) => {
    if (message.channel === 'syslog') return true
    const turn = options.turn?.() ?? 'all'
    if (turn === 'all') return true
    if (message.origin !== options.ownId) return false
    return turn === 'own' || (!shared && now() - message.queuedAtMs >= patienceMs)
  }
}

/** Tells the peer at once when there is something new, and again and again until it heard it. */
function startSharer(
  tell: () => Promise<boolean>,
  everyMs: number,
): { wake(): void; stop(): void } {
  let running = false
  let again = false
  const run = async (): Promise<void> => {
    again = true
    if (running) return
    running = true
    try {
      while (again) {
        again = false
        await tell()
      }
    } finally {
      running = false
    }
  }
  const timer = setInterval(() => void run(), everyMs).unref()
  return { wake: () => void run(), stop: () => clearInterval(timer) }
}
