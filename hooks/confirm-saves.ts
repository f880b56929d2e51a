import type { RequestHandler, Response } from 'express'
import type { Confirmation } from './confirmation.ts'

const LONGEST_REASON = 200
const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Which answers carry it: `yes` when the save is on both servers, `no` when that is not known in time. */
export const CONFIRMED_HEADER = 'x-hot-standby-confirmed'
/** Beside a `no`: the reason. */
export const UNCONFIRMED_HEADER = 'x-hot-standby-unconfirmed-because'

/**
 * Middleware that keeps back the answer to a change until it is on both servers, for as long as `confirmed` allows, and
 * says in a header whether it is. A refused change is answered at once, and every change when `confirm` is null.
 */
export function createConfirmSaves(confirm: () => Promise<Confirmation> | null): RequestHandler {
  return (request, response, next) => {
    if (!READING.has(request.method)) keepBack(response, confirm)
    next()
  }
}

function keepBack(response: Response, confirm: () => Promise<Confirmation> | null): void {
  const end = response.end.bind(response) as (...input: unknown[]) => Response
  let ended = false
  const wait = async (
    input: readonly unknown[],
    confirming: Promise<Confirmation>,
  ): Promise<void> => {
    const { confirmed, reason } = await confirming
    if (!response.headersSent) {
      response.setHeader(CONFIRMED_HEADER, confirmed ? 'yes' : 'no')
      // Reasons quote programs that write what they like; a header takes printable ASCII.
      const shown = reason?.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, LONGEST_REASON)
      if (shown !== undefined) response.setHeader(UNCONFIRMED_HEADER, shown)
    }
    end(...input)
  }
  response.end = ((...input: unknown[]) => {
    if (ended) return response
    ended = true
    const confirming = response.statusCode >= 400 ? null : confirm()
    if (confirming === null) return end(...input)
    void wait(input, confirming)
    return response
  }) as Response['end']
}
