import type { RequestHandler, Response } from 'express'

const PLATFORM_POLICY = 'hotStandbyPlatformPolicy'

/** For pages that are wholly ours; in the platform's layout the platform's own policy stands. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** For a platform's layout when the platform has no policy: it may load what it always did, but nobody may frame it. */
export const layoutPolicy =
  "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

/** Headers of everything that the router answers. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.locals[PLATFORM_POLICY] = response.get('content-security-policy')
  response.set({
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  })
  next()
}

/** Gives the page in the platform's layout the platform's own policy back. */
export function allowLayout(response: Response): void {
  const platformPolicy = response.locals[PLATFORM_POLICY] as string | undefined
  response.set('content-security-policy', platformPolicy ?? layoutPolicy)
}
