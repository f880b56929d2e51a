import type { Request, Response } from 'express'
import { allowLayout } from './security-headers.ts'
import { isPermitted } from './handler.ts'
import { CSRF_FIELD } from './csrf.ts'
import { rendered } from './renderer.ts'
import { tabsFor } from './tabs.ts'
import type { Web } from './web.ts'

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
  const context = {
    ...page.model,
    base,
    may,
    title: page.title,
    csrf: {
      field: CSRF_FIELD,
      token: page.base === undefined ? web.csrf.token(request, response) : '',
    },
    colourScheme: web.options.colourScheme,
    tabs: tabsFor(base, page.base === undefined ? request.path : null),
    notice: noticeOf(request),
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

const NOTICES: Readonly<Record<string, string>> = {
  settings: 'The settings were saved.',
  contacts: 'The contacts were saved.',
  disabled: 'The hot standby was disabled on this server.',
  checked: 'The check is done; its result is below.',
  repaired: 'The check is done and the differences were repaired; the result is below.',
  resynchronise: 'The resynchronisation has begun; its progress is below.',
  takeOver: 'The take-over has begun; its steps are below.',
  joined: 'The servers are being paired; the steps are below.',
  sent: 'The test notification was handed to the mail server.',
}

/** After a redirect the address names the notice; only our own sentences are ever shown. */
function noticeOf(request: Request): string | null {
  const name = request.query['done']
  return typeof name === 'string' && Object.hasOwn(NOTICES, name) ? (NOTICES[name] ?? null) : null
}
