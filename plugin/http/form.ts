import type { Request } from 'express'

/** A field of a form as text; what is missing or repeated is empty. */
export function formText(request: Request, name: string): string {
  const body = request.body as Readonly<Record<string, unknown>> | undefined
  const value = body?.[name]
  return typeof value === 'string' ? value : ''
}

/** A parameter of the query as text. */
export function queryText(request: Request, name: string): string {
  const value = request.query[name]
  return typeof value === 'string' ? value : ''
}

/** All text fields of a form. */
export function formTexts(request: Request): Readonly<Record<string, string>> {
  const body = (request.body ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(body).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}
