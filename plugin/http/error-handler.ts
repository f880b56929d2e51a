import type { ErrorRequestHandler, Request } from 'express'
import { ERRORS, HotStandbyError, toHotStandbyError } from '../errors.ts'
import { sendPage } from './send-page.ts'
import { languageFor, type Web } from './web.ts'

/** Answers every error as a page or, below `/api` and to whoever prefers it, as JSON. */
export function createErrorHandler(web: Web): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) {
      next(thrown)
      return
    }
    const error = bodyProblem(thrown) ?? toHotStandbyError(thrown)
    if (error.code === 'HS_INTERNAL') web.logger.error({ error: thrown }, 'a page failed')
    if (wantsJson(request)) {
      response.status(error.status).json({ error: error.toJSON() })
      return
    }
    sendPage(web, request, response, errorPage(error, languageFor(web, request).say)).catch(next)
  }
}

/** A path that no route knows. */
export function notFound(): never {
  throw new HotStandbyError('HS_NOT_FOUND')
}

export function wantsJson(request: Request): boolean {
  return request.path.startsWith('/api/') || request.accepts(['html', 'json']) === 'json'
}

function errorPage(
  error: HotStandbyError,
  say: (sentence: string) => string,
): Parameters<typeof sendPage>[3] {
  return {
    view: 'error',
    title: say(ERRORS[error.code].message),
    status: error.status,
    model: {
      code: error.code,
      heading: ERRORS[error.code].message,
      reason: error.details.reason ?? null,
      remedy: error.remedy,
      fields: error.details.fields ?? [],
      isAgentUnreachable: error.code === 'HS_AGENT_UNREACHABLE',
    },
  }
}

/** What express's body parsers throw. */
function bodyProblem(thrown: unknown): HotStandbyError | null {
  const { status, type } = (thrown ?? {}) as { status?: unknown; type?: unknown }
  if (typeof type !== 'string' || typeof status !== 'number' || status >= 500) return null
  const reason = type === 'entity.too.large' ? 'the body is too large' : 'the body cannot be read'
  return new HotStandbyError('HS_REQUEST_INVALID', { reason })
}
