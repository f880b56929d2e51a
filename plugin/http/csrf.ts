import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import { HotStandbyError } from '../errors.ts'

/** Double submit with a signature: the cookie names the browser, the form carries the cookie's HMAC. */
export interface Csrf {
  /** The token for this browser's forms; gives it a cookie when it has none. */
  token(request: Request, response: Response): string
  /** Errors: HS_CSRF. */
  check(request: Request): void
}

const COOKIE = 'hot_standby_csrf'
/** Form field and header with the token. */
export const CSRF_FIELD = '_hs_csrf'
export const CSRF_HEADER = 'x-hot-standby-csrf'

/** Works without the platform's help; the secret is random unless one is given. */
export function createCsrf(secret: string | null): Csrf {
  const key = secret ?? randomBytes(32)
  const sign = (nonce: string): string =>
    createHmac('sha256', key).update(`hot-standby:${nonce}`).digest('base64url')
  return {
    token(request, response) {
      const nonce = readCookie(request) ?? giveCookie(request, response)
      return sign(nonce)
    },
    check(request) {
      const nonce = readCookie(request)
      if (isForeign(request) || nonce === null || !equal(sentToken(request), sign(nonce)))
        throw new HotStandbyError('HS_CSRF')
    },
  }
}

function sentToken(request: Request): string {
  const body = request.body as Readonly<Record<string, unknown>> | undefined
  const sent = request.get(CSRF_HEADER) ?? body?.[CSRF_FIELD]
  return typeof sent === 'string' ? sent : ''
}

/** A browser that says that the request comes from another site is believed. */
function isForeign(request: Request): boolean {
  return ['cross-site', 'same-site'].includes(request.get('sec-fetch-site') ?? '')
}

function readCookie(request: Request): string | null {
  const pairs = (request.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('='))
  const nonce = pairs.find(([name]) => name === COOKIE)?.[1]
  return nonce !== undefined && /^[\w-]{43}$/.test(nonce) ? nonce : null
}

function giveCookie(request: Request, response: Response): string {
  const nonce = randomBytes(32).toString('base64url')
  response.cookie(COOKIE, nonce, {
    httpOnly: true,
    sameSite: 'strict',
    secure: request.secure,
    path: request.baseUrl === '' ? '/' : request.baseUrl,
  })
  return nonce
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
