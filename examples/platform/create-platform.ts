import { join } from 'node:path'
import express, { type Express } from 'express'
import { createHotStandby, type HotStandby } from '../../plugin/index.ts'
import { openDatabase } from './database.ts'
import type { PlatformOptions } from './options.ts'
import { resourceApi } from './resources/api.ts'
import { callsApi, listCalls } from './resources/calls.ts'
import { frozenByPair } from './resources/frozen.ts'
import { resourcePages } from './resources/pages.ts'
import { CONFIGURATION, SYSTEM } from './resources/resources.ts'
import { accountPages } from './web/account-pages.ts'
import { answerError, PlatformError } from './web/errors.ts'
import { checkCsrf, csrfToken, requireUser, securityHeaders } from './web/guards.ts'
import { chooseLocale, localeOf } from './web/locale.ts'
import { renderToText, safeMarkup, useHandlebars } from './web/render.ts'
import { apiTokens, createSessions, mayAct, userOf } from './web/session.ts'

export interface Platform {
  readonly app: Express
  readonly hotStandby: HotStandby
  close(): Promise<void>
}

/** A small PBX web administration: the stand-in for the product that installs the plugin. */
export async function createPlatform(options: PlatformOptions): Promise<Platform> {
  const db = await openDatabase(options)
  const sessions = createSessions({
    databaseUrl: options.databaseUrl,
    secret: options.sessionSecret,
  })
  const app = express()
  app.disable('x-powered-by')
  useHandlebars(app)
  app.use(securityHeaders)
  app.use('/public', express.static(join(import.meta.dirname, 'public'), { cacheControl: false }))
  app.use(sessions.middleware, apiTokens(db))
  app.use((request, response, next) => {
    const user = userOf(request)
    // A client with a token has no forms, and needs no session for them.
    const csrf = user === null || 'apiUser' in request ? null : csrfToken(request)
    response.set('X-PBX', options.name) // behind a virtual IP it is good to know who answered
    Object.assign(response.locals, { pbx: options.name, user, csrf, menu: MENU })
    // The same as app.locals below, in the language of this request.
    response.locals['hotStandby'] = hotStandby.viewLocalsFor(request)
    next()
  })

  // #region hot standby: these lines are all that the plugin needs
  const hotStandby = createHotStandby(
    {
      socketPath: options.socketPath,
      authorize: (request, permission) => mayAct(userOf(request), ROLE_FOR[permission]),
      actor: (request) => userOf(request)?.name ?? null,
      locale: localeOf, // English or German
      layout: (page, _request, response) =>
        renderToText(response, 'plugin', {
          title: page.title,
          head: safeMarkup(page.headHtml),
          body: safeMarkup(page.bodyHtml),
        }),
    },
    { knex: db },
  )
  app.use('/health', hotStandby.health) // for a load balancer, without log-in
  app.use('/system/hot-standby', requireUser, hotStandby.router) // it has CSRF tokens of its own
  app.use(SHARED_BY_THE_PAIR, hotStandby.configLock) // what a standby refuses
  app.locals['hotStandby'] = hotStandby.viewLocals // banner and menu entry in the layout
  await hotStandby.start()
  // #endregion hot standby

  app.use(express.urlencoded({ extended: false, limit: '200kb', parameterLimit: 2000 }))
  app.use(express.json({ limit: '200kb' }))
  app.get('/locale/:locale', chooseLocale)
  app.use(accountPages(db))
  app.use(requireUser, checkCsrf)
  app.get('/', async (_request, response) => {
    const count = async (table: string): Promise<number> =>
      Number((await db(table).count('* as count').first<{ count: string }>()).count)
    const counts = { extensions: await count('extensions'), calls: await count('call_records') }
    response.render('home', { counts })
  })
  // Whoever saves an extension is told in a header whether both servers have it.
  app.use(['/pbx/extensions', '/api/extensions'], hotStandby.confirmSaves())
  const frozen = frozenByPair(hotStandby) // what the pair stands on: host name, address, subnet
  for (const resource of CONFIGURATION)
    app.use(`/pbx/${resource.path}`, trailingSlash, resourcePages(db, resource, frozen))
  for (const resource of SYSTEM)
    app.use(`/system/${resource.path}`, trailingSlash, resourcePages(db, resource, frozen))
  for (const resource of [...CONFIGURATION, ...SYSTEM])
    app.use(`/api/${resource.path}`, resourceApi(db, resource, frozen))
  app.get('/calls', async (_request, response) => {
    response.render('calls', { calls: await listCalls(db) })
  })
  app.use('/api/calls', callsApi(db))
  app.use(() => {
    throw new PlatformError(404, 'Check the address.')
  })
  app.use(answerError)

  const close = async (): Promise<void> => {
    await hotStandby.stop()
    await sessions.close()
    await db.destroy()
  }
  return { app, hotStandby, close }
}

const ROLE_FOR = { view: 'viewer', operate: 'operator', configure: 'administrator' } as const

/** Configuration and data of the pair. Network settings are left out: they belong to one server, also to a standby. */
const SHARED_BY_THE_PAIR = [
  '/pbx',
  '/system/system-settings',
  '/api/system-settings',
  '/api/calls',
  ...CONFIGURATION.map(({ path }) => `/api/${path}`),
]

const MENU = {
  pbx: CONFIGURATION.map(({ path, title }) => ({ href: `/pbx/${path}/`, title })),
  system: SYSTEM.map(({ path, title }) => ({ href: `/system/${path}/`, title })),
}

/** Lists have relative links, so their address ends with a slash. */
const trailingSlash: express.RequestHandler = (request, response, next) => {
  const [path, query] = request.originalUrl.split('?')
  if (request.method === 'GET' && request.path === '/' && path?.endsWith('/') === false)
    response.redirect(301, query === undefined ? `${path}/` : `${path}/?${query}`)
  else next()
}
