import type { Request, Response } from 'express'
import { isPermitted } from '../handler.ts'
import type { WatchEvent } from '../status-watch.ts'
import type { Web } from '../web.ts'

/** Comments keep proxies from closing a quiet connection, and find out that nobody listens any more. */
const KEEP_ALIVE_MS = 15_000
/** A session that has ended must not go on seeing what happens. */
const AUTHORISE_AGAIN_MS = 30_000

/** Server-sent events: `status` and `history` as the agent tells them, `unreachable` when it is gone. */
export function liveStream(web: Web): (request: Request, response: Response) => void {
  return (request, response) => {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
    response.write('retry: 1000\n\n')
    const send = (name: string, data: unknown): void => {
      response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
    }
    const { status, reachable } = web.watch.known()
    if (reachable === false) send('unreachable', {})
    else if (status !== null) send('status', status)
    const unsubscribe = web.watch.subscribe((event) => {
      // A reader that does not read loses events rather than filling our memory; each status is whole.
      if (!response.writableNeedDrain) send(event.type, payloadOf(event))
    })
    const keepAlive = setInterval(() => response.write(': still here\n\n'), KEEP_ALIVE_MS)
    const authorise = setInterval(() => {
      isPermitted(web, request, 'view').then(
        (permitted) => permitted || response.end(),
        () => response.end(),
      )
    }, AUTHORISE_AGAIN_MS)
    keepAlive.unref()
    authorise.unref()
    response.once('close', () => {
      clearInterval(keepAlive)
      clearInterval(authorise)
      unsubscribe()
    })
  }
}

function payloadOf(event: WatchEvent): unknown {
  switch (event.type) {
    case 'status':
      return event.status
    case 'history':
      return event.entry
    case 'unreachable':
      return {}
  }
}
