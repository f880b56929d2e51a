import type { Request, RequestHandler } from 'express'

const COOKIE = 'pbx_locale'
const LOCALES = ['en', 'de']

/** The language that this browser has chosen. A platform with more than an example's accounts keeps it with the user. */
export function localeOf(request: Request): string {
  const chosen = new RegExp(`(?:^|; )${COOKIE}=(\\w+)`).exec(request.get('cookie') ?? '')?.[1]
  return LOCALES.find((locale) => locale === chosen) ?? 'en'
}

/** Remembers the language in the browser and goes back to the start page. */
export const chooseLocale: RequestHandler = (request, response) => {
  const wanted = LOCALES.find((locale) => locale === request.params['locale']) ?? 'en'
  response.cookie(COOKIE, wanted, { httpOnly: true, sameSite: 'lax', maxAge: 365 * 86_400_000 })
  response.redirect(303, '/')
}
