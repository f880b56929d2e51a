import type { Request, Response } from 'express'
import { allowLayout } from './security-headers.ts'
import { isPermitted } from './handler.ts'
import { CSRF_FIELD } from './csrf.ts'
import type { Translate } from './i18n/catalogue.ts'
import { rendered } from './renderer.ts'
import { tabsFor } from './tabs.ts'
import { languageFor, type Web } from './web.ts'

export interface Page {
  readonly view: string
  readonly title: string
  readonly model: object
  readonly status?: number
  /** Where our pages are, when the request did not come through our router. */
  readonly base?: string
}

/** The header with which our script asks for the content alone. */
export const LIVE_HEADER = 'x-hot-standby-live'

/** Renders a page: in the platform's layout, in our own shell, or the content alone for our script. */
export async function sendPage(
  web: Web,
  request: Request,
  response: Response,
  page: Page,
): Promise<void> {
  const base = page.base ?? request.baseUrl
  const may = {
    operate: await isPermitted(web, request, 'operate'),
    configure: await isPermitted(web, request, 'configure'),
  }
  const language = languageFor(web, request)
  const context = {
    ...page.model,
    language,
    base,
    may,
    title: page.title,
    csrf: {
      field: CSRF_FIELD,
      token: page.base === undefined ? web.csrf.token(request, response) : '',
    },
    // The answer to a form does not follow the agent: fetching it again would send the form again.
    isAnswer: request.method !== 'GET',
    colourScheme: web.options.colourScheme,
    tabs: tabsFor(base, page.base === undefined ? request.path : null, language.t),
    notice: noticeOf(request, language.t),
  }
  const content = web.render(page.view, context)
  const bodyHtml = web.render('frame', { ...context, content: rendered(content) })
  response
    .status(page.status ?? 200)
    .type('html')
    .set('vary', LIVE_HEADER)
  if (request.get(LIVE_HEADER) !== undefined) {
    response.send(bodyHtml)
    return
  }
  const headHtml = web.render('head', context)
  if (web.options.layout === null) {
    const shell = { ...context, head: rendered(headHtml), body: rendered(bodyHtml) }
    response.send(web.render('shell', shell))
    return
  }
  allowLayout(response)
  const whole = await web.options.layout(
    { title: page.title, headHtml, bodyHtml },
    request,
    response,
  )
  response.send(whole)
}

const NOTICES: readonly string[] = [
  'settings',
  'contacts',
  'disabled',
  'checked',
  'repaired',
  'resynchronise',
  'takeOver',
  'joined',
  'sent',
  'events',
  'template',
  'maintenance',
  'maintenanceEnded',
  'automaticOn',
  'automaticOff',
  'cancelled',
]

/** After a redirect the address names the notice; only our own sentences are ever shown. */
function noticeOf(request: Request, t: Translate): string | null {
  const name = request.query['done']
  return typeof name === 'string' && NOTICES.includes(name) ? t(`notice.${name}`) : null
}
