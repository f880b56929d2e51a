import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Request, RequestHandler } from 'express'
import { PlatformError } from './errors.ts'
import { mayAct, userOf, type Role } from './session.ts'

/** What helmet would send, for a site that loads nothing from elsewhere. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'content-security-policy':
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  })
  next()
}

/** Pages lead to the log-in, the API answers 401. */
export const requireUser: RequestHandler = (request, response, next) => {
  if (userOf(request) !== null) next()
  else if (wantsJson(request)) throw new PlatformError(401, 'Log in, or send an API token.')
  else response.redirect(303, `/login?to=${encodeURIComponent(request.originalUrl)}`)
}

export function requireRole(role: Role): RequestHandler {
  return (request, _response, next) => {
    if (!mayAct(userOf(request), role)) throw new PlatformError(403, `This needs the role ${role}.`)
    next()
  }
}

export function csrfToken(request: Request): string {
  request.session.csrf ??= randomBytes(24).toString('base64url')
  return request.session.csrf
}

/** Every change carries the session's token, in the form or in a header. API tokens need none. */
export const checkCsrf: RequestHandler = (request, _response, next) => {
  const safe = ['GET', 'HEAD', 'OPTIONS'].includes(request.method)
  const withToken = 'apiUser' in request
  if (safe || withToken || sameToken(request)) next()
  else throw new PlatformError(403, 'The form is out of date. Reload the page and send it again.')
}

function sameToken(request: Request): boolean {
  const body = request.body as Readonly<Record<string, unknown>> | undefined
  const sent = request.get('x-csrf-token') ?? body?.['_csrf']
  const expected = request.session.csrf
  if (typeof sent !== 'string' || expected === undefined) return false
  const [a, b] = [Buffer.from(sent), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

export function wantsJson(request: Request): boolean {
  return request.originalUrl.startsWith('/api/') || request.accepts(['html', 'json']) === 'json'
}
