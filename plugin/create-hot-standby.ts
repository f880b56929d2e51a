import type { Request, RequestHandler, Router } from 'express'
import type { Knex } from 'knex'
import { createChangeTurns } from '../hooks/change-turns.ts'
import { createConfigLock } from '../hooks/config-lock.ts'
import { type Confirmation, createConfirmation } from '../hooks/confirmation.ts'
import { createConfirmSaves } from '../hooks/confirm-saves.ts'
import {
  eachOnce,
  type EventNotification,
  watchNotifications,
} from '../hooks/event-notification.ts'
import { createMigrations, type PlatformMigrations } from '../hooks/firmware-upgrade.ts'
import { type FrozenSettings, frozenSettings } from '../hooks/frozen-settings.ts'
import { type SendMail, startPlatformMail } from '../hooks/platform-mail.ts'
import { isPairedInDatabase } from '../hooks/paired-in-database.ts'
import { type RoleChange, watchRole } from '../hooks/role-change.ts'
import type { HistoryEntry } from './api/status-document.ts'
import { MIGRATIONS } from '../migrations/index.ts'
import { type HotStandbyOptions, parsePluginOptions } from './config/plugin-options.ts'
import { runMigrations } from './db/migrate.ts'
import type { Queryable } from './db/transaction.ts'
import { serviceLeaseMs, serviceLeasePath } from './files/service-lease.ts'
import { createAgentPort } from './http/agent-port.ts'
import { createViewLocals, type ViewLocals } from './http/banner.ts'
import { createCsrf } from './http/csrf.ts'
import { createLanguages, type Language } from './http/i18n/language.ts'
import { sendLocked } from './http/locked-page.ts'
import { redirectChange } from './http/redirect-change.ts'
import { createRenderer } from './http/renderer.ts'
import { createRouter } from './http/router.ts'
import { healthRoutes } from './http/routes/health.ts'
import { createStatusWatch } from './http/status-watch.ts'
import { languageFor, type Web } from './http/web.ts'
import { type Logger, silentLogger } from './logger.ts'

/** What the platform mounts. */
export interface HotStandby {
  /** Pages, JSON API and server-sent events: `app.use('/system/hot-standby', hotStandby.router)`. */
  readonly router: Router
  /** `/active`, `/standby`, `/live` for a load balancer, without log-in: `app.use('/health', hotStandby.health)`. */
  readonly health: Router
  /** Refuses changes on a standby: `app.use('/settings', hotStandby.configLock)`. */
  readonly configLock: RequestHandler
  /** Banner, title prefix and menu entry: `app.locals.hotStandby = hotStandby.viewLocals`. */
  readonly viewLocals: ViewLocals
  /** The same in the language of this request, where `locale` is a function: `response.locals.hotStandby`. */
  viewLocalsFor(request: Request): ViewLocals
  /** Our database migrations, for the platform's upgrade; `hot-standby migrate` does the same and installs capture. */
  readonly migrations: PlatformMigrations
  /** What the platform must not let anybody change while the servers are a pair: null when nothing. */
  frozenSettings(request: Request): Promise<FrozenSettings | null>
  /** Waits until everything committed so far is on both servers; false when that did not happen in time. */
  confirmed(options: { readonly timeoutMs: number }): Promise<boolean>
  /** The same with the reason when it did not happen; never throws, and does not wait where there is no standby. */
  confirmation(options: { readonly timeoutMs: number }): Promise<Confirmation>
  /**
   * Keeps back answers to changes until they are on both servers, bounded: `app.use(hotStandby.confirmSaves())`. Without
   * `timeoutMs` the settings of the pair say for how long; when they say nothing, nobody waits.
   */
  confirmSaves(options?: { readonly timeoutMs: number }): RequestHandler
  /** Calls back when this server's role or term changes. Returns the function that ends it. */
  onRoleChange(callback: (change: RoleChange) => void): () => void
  /** Calls back for every event that contacts are told about. Returns the function that ends it. */
  onNotification(callback: (notification: EventNotification) => void): () => void
  /** Calls back for every event of this server, told or not. Returns the function that ends it. */
  onEvent(callback: (entry: HistoryEntry) => void): () => void
  /**
   * Delivers the mails in the platform's own way, when the agent's configuration says `notifications.mail: "platform"`:
   * each is taken from the agent's outbox and kept there until the callback succeeded. Returns the function that ends it.
   */
  sendMail(send: SendMail): () => void
  /** Follows the agent from now on. Safe to call twice. */
  start(): Promise<void>
  /** Closes what was opened. Safe to call twice. */
  stop(): Promise<void>
}

/** What the platform lends us. */
export interface HotStandbyResources {
  /** Asked whether this server belongs to a pair when the agent cannot say. Never closed by us. */
  readonly knex?: Knex
  readonly logger?: Logger
}

/** Makes the web side of the hot standby. Opens nothing before it is used. Errors: HS_CONFIG_INVALID. */
export function createHotStandby(
  input: HotStandbyOptions,
  { knex, logger = silentLogger }: HotStandbyResources = {},
): HotStandby {
  const options = parsePluginOptions(input)
  const agent = createAgentPort(options.socketPath, options.agentTimeoutMs)
  const watch = createStatusWatch(agent, logger)
  const csrf = createCsrf(options.csrfSecret)
  const languages = createLanguages()
  const web: Web = { options, agent, watch, csrf, render: createRenderer(), languages, logger }
  const known = {
    status: () => watch.current(),
    lastStatus: () => watch.known().status,
    isPairedInDatabase:
      knex === undefined ? null : () => isPairedInDatabase(knex, options.databaseSchema),
  }
  const turns = createChangeTurns({ nextTurn: agent.nextTurn, logger })
  const configLock = createConfigLock({
    ...known,
    freshStatus: () => watch.fresh(),
    turns,
    redirect: (request, response) => redirectChange(web, request, response),
    serviceLeaseMs: () => serviceLeaseMs(serviceLeasePath(options)),
    recordRefusal: (refusal) => agent.as(refusal.user).recordRefusal(refusal),
    actor: options.actor,
    refuse: (request, response, error) => sendLocked(web, request, response, error),
    logger,
  })
  const viewLocals = (language: Language): ViewLocals =>
    createViewLocals(() => watch.known(), options.basePath, language)
  const senders = new Set<() => void>()
  const confirmation = createConfirmation({
    status: () => watch.known().status,
    wait: (timeoutMs) => agent.as(null).wait({ for: 'in-sync', timeoutMs, isSave: true }),
    logger,
  })
  return {
    router: createRouter(web),
    health: healthRoutes(web),
    configLock,
    // Without a request there is nobody whose language could be asked for.
    viewLocals: viewLocals(
      languages(
        typeof options.locale === 'string' ? options.locale : 'en',
        typeof options.timeZone === 'string' ? options.timeZone : 'UTC',
      ),
    ),
    viewLocalsFor: (request) => viewLocals(languageFor(web, request)),
    migrations: createMigrations(knex ?? null, {
      names: MIGRATIONS.map((migration) => migration.name),
      applyUpTo: (connection, name) =>
        runMigrations(
          connection as Queryable,
          options.databaseSchema,
          MIGRATIONS.filter((migration) => migration.name <= name),
        ),
    }),
    async frozenSettings(request) {
      const frozen = await frozenSettings(known)
      return frozen && { ...frozen, reason: languageFor(web, request).t('frozen.reason') }
    },
    confirmation,
    confirmed: async (wait) => (await confirmation(wait)).confirmed,
    confirmSaves: (given) =>
      createConfirmSaves(() => {
        const timeoutMs =
          given?.timeoutMs ?? watch.known().status?.settings.pair?.confirmSavesMs ?? null
        return timeoutMs === null ? null : confirmation({ timeoutMs })
      }),
    onRoleChange(callback) {
      const listener = watchRole(callback)
      return watch.subscribe((event) => {
        if (event.type === 'status') listener(event.status)
      })
    },
    onNotification(callback) {
      const listener = watchNotifications(callback)
      return watch.subscribe((event) => {
        if (event.type === 'history') listener(event.entry)
      })
    },
    onEvent(callback) {
      const listener = eachOnce(callback)
      return watch.subscribe((event) => {
        if (event.type === 'history') listener(event.entry)
      })
    },
    sendMail(send) {
      const mails = startPlatformMail(send, {
        take: async () => (await agent.as(null).takeMail()).mail,
        settle: (id, error) => agent.as(null).settleMail({ id, error }),
        logger,
      })
      const end = watch.subscribe((event) => {
        if (event.type === 'history') mails.wake()
      })
      const stop = (): void => {
        end()
        mails.stop()
      }
      senders.add(stop)
      return stop
    },
    start() {
      watch.start()
      turns.start()
      return Promise.resolve()
    },
    async stop() {
      senders.forEach((end) => end())
      await Promise.all([watch.stop(), turns.stop()])
    },
  }
}
