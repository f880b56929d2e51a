import type { RequestHandler, Response } from 'express'

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Which answers carry it: `yes` when the save is on both servers, `no` when that is not known in time. */
export const CONFIRMED_HEADER = 'x-hot-standby-confirmed'

/**
 * Middleware that keeps back the answer to a change until it is on both servers, for as long as `confirmed` allows, and
 * says in a header whether it is. A refused change is answered at once.
 */
export function createConfirmSaves(confirmed: () => Promise<boolean>): RequestHandler {
  return (request, response, next) => {
    if (!READING.has(request.method)) keepBack(response, confirmed)
    next()
  }
}

function keepBack(response: Response, confirmed: () => Promise<boolean>): void {
  const end = response.end.bind(response) as (...input: unknown[]) => Response
  let ended = false
  const wait = async (input: readonly unknown[]): Promise<void> => {
    const answer = await confirmed().catch(() => false)
    if (!response.headersSent) response.setHeader(CONFIRMED_HEADER, answer ? 'yes' : 'no')
    end(...input)
  }
  response.end = ((...input: unknown[]) => {
    if (ended) return response
    ended = true
    if (response.statusCode >= 400) return end(...input)
    void wait(input)
    return response
  }) as Response['end']
}
