import type { Request, Response } from 'express'
import { ERRORS, type HotStandbyError } from '../errors.ts'
import { sendPage } from './send-page.ts'
import { securityHeaders } from './security-headers.ts'
import { languageFor, type Web } from './web.ts'

/** Answers a change that the config lock refused: why, and which server to use instead. */
export async function sendLocked(
  web: Web,
  request: Request,
  response: Response,
  error: HotStandbyError,
): Promise<void> {
  const address = error.details['activeAddress']
  const activeUrl = typeof address === 'string' ? web.options.activeUrl(address, request) : null
  if (wantsJson(request)) {
    response.status(error.status).json({ error: { ...error.toJSON(), activeUrl } })
    return
  }
  await new Promise<void>((resolve) => {
    securityHeaders(request, response, () => resolve())
  })
  await sendPage(web, request, response, {
    view: 'locked',
    title: languageFor(web, request).say(ERRORS.HS_CONFIG_LOCKED.message),
    status: error.status,
    base: web.options.basePath,
    model: { reasons: error.details['reasons'], address, activeUrl, remedy: error.remedy },
  })
}

/** The platform's own API is not below our mount, so the kind of the body counts as well. */
function wantsJson(request: Request): boolean {
  return (
    request.is('json') === 'json' || request.xhr || request.accepts(['html', 'json']) === 'json'
  )
}
