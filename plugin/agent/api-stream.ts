import type { ServerResponse } from 'node:http'
import type { Logger } from '../logger.ts'
import type { AgentApi, StreamEvent } from '../api/agent-api.ts'

export type Subscribe = (listener: (event: StreamEvent) => void) => () => void

/** At most four documents a second; the newest wins. */
const STATUS_INTERVAL_MS = 250
const SIGN_OF_LIFE_EVERY_MS = 2000
/** A client that does not read is let go, so that it cannot fill our memory. */
const LARGEST_BACKLOG_BYTES = 1_048_576

/** Server-sent events: the present status at once, then what the subscription brings, until the client leaves. */
export function openEventStream(
  response: ServerResponse,
  api: AgentApi,
  subscribe: Subscribe,
  logger: Logger,
): void {
  let newest: Extract<StreamEvent, { name: 'status' }> | null = null
  let pause: NodeJS.Timeout | null = null

  const write = (text: string) => {
    if (response.writableLength > LARGEST_BACKLOG_BYTES) response.destroy()
    else response.write(text)
  }
  const writeEvent = (event: StreamEvent) =>
    write(`event: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`)
  const writeStatus = () => {
    pause = null
    if (newest === null) return
    writeEvent(newest)
    newest = null
    pause = setTimeout(writeStatus, STATUS_INTERVAL_MS)
  }
  const take = (event: StreamEvent) => {
    if (event.name === 'history') writeEvent(event)
    else newest = event
    if (pause === null) writeStatus()
  }

  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.flushHeaders()
  const unsubscribe = subscribe(take)
  const signOfLife = setInterval(() => write(':\n\n'), SIGN_OF_LIFE_EVERY_MS)
  response.once('close', () => {
    unsubscribe()
    clearInterval(signOfLife)
    if (pause !== null) clearTimeout(pause)
    pause = null
  })
  api.status().then(
    (data) => {
      if (!response.destroyed && newest === null) take({ name: 'status', data })
    },
    (error: unknown) => {
      logger.error({ error }, 'the first status of a stream failed')
      response.destroy()
    },
  )
}
