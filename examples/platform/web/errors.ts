import type { ErrorRequestHandler } from 'express'
import { wantsJson } from './guards.ts'
import type { Problems } from '../resources/resource.ts'

/** An error with a status and a sentence for the user. */
export class PlatformError extends Error {
  readonly status: number
  readonly fields: Problems | undefined

  constructor(status: number, message: string, fields?: Problems) {
    super(message)
    this.status = status
    this.fields = fields
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Log in first',
  403: 'You may not do this',
  404: 'There is nothing at this address',
  409: 'This is not possible now',
  413: 'This is too large',
  422: 'Some fields are not right',
  423: 'Configuration is locked on this server',
  503: 'The database does not answer',
}

/** Answers every error as a page or as JSON; an unforeseen one is told to the log and not to the user. */
export const answerError: ErrorRequestHandler = (thrown: unknown, request, response, next) => {
  if (response.headersSent) {
    next(thrown)
    return
  }
  const { status, message, fields } = describe(thrown)
  if (status === 500) console.error(thrown)
  const title = TITLES[status] ?? 'Something went wrong'
  response.status(status)
  if (wantsJson(request)) response.json({ error: title, message, fields })
  else response.render('error', { title, message, status })
}

function describe(thrown: unknown): { status: number; message: string; fields?: Problems } {
  if (thrown instanceof PlatformError)
    return {
      status: thrown.status,
      message: thrown.message,
      ...(thrown.fields === undefined ? {} : { fields: thrown.fields }),
    }
  const { code, status, hint } = thrown as { code?: string; status?: number; hint?: string }
  // The hot standby's write lock in the database: somebody wrote past the configuration lock.
  if (code === 'HS423')
    return { status: 423, message: hint ?? 'Change the configuration on the active server.' }
  if (isConnectionProblem(code))
    return { status: 503, message: 'Check that PostgreSQL runs, then try again.' }
  if (status !== undefined && status >= 400 && status < 500)
    return { status, message: (thrown as Error).message }
  return { status: 500, message: 'The log of the platform has the details.' }
}

function isConnectionProblem(code: string | undefined): boolean {
  if (code === undefined) return false
  return /^(08|57P0)/.test(code) || /^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH)/.test(code)
}
