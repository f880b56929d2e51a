import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { HotStandbyError, toHotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { plainAddress } from './connection-gate.ts'
import type { RefusalLog } from './refusal-log.ts'

/** No document of ours comes near this. */
export const MAX_BODY_BYTES = 1_048_576
const MAX_HEADER_BYTES = 8192

export interface JsonServer {
  /** Speaks HTTP on a connection whose TLS handshake is done. */
  accept(socket: TLSSocket): void
  close(): void
}

export interface JsonServerOptions {
  /** Answers one call; what it throws is answered as a `WireError`. */
  readonly answer: (call: JsonCall) => Promise<unknown>
  /** From the opening of a connection, or its last answer, to the end of the next request. */
  readonly requestMs: number
  readonly refusals: RefusalLog
  readonly logger: Logger
}

export interface JsonCall {
  readonly path: string
  readonly body: unknown
  readonly socket: TLSSocket
}

/** HTTP/1.1 with POSTed JSON over sockets that somebody else accepted; it never listens itself. */
export function createJsonServer(options: JsonServerOptions): JsonServer {
  const connections = new WeakMap<Duplex, Connection>()
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 0, insecureHTTPParser: false },
    (request, response) => {
      const connection = connections.get(request.socket)
      if (connection !== undefined) void handle(request, response, connection, options)
    },
  )
  server.prependListener('request', (request, response) => {
    const deadline = connections.get(request.socket)
    request.once('end', () => deadline?.stop())
    response.once('close', () => deadline?.restart())
  })
  server.on('clientError', (_error, socket) => {
    if (socket.destroyed) return
    options.refusals.refuse(
      'notHttp',
      plainAddress('remoteAddress' in socket ? String(socket.remoteAddress) : ''),
    )
    socket.destroy()
  })
  return {
    accept(socket) {
      connections.set(socket, { socket, ...startDeadline(socket, options) })
      server.emit('connection', socket)
    },
    close: () => server.close(),
  }
}

interface Connection extends Deadline {
  readonly socket: TLSSocket
}

interface Deadline {
  stop(): void
  restart(): void
}

/**
 * One deadline covers headers, body and idling, so that no trickle of bytes can hold a connection: the timer runs from
 * the opening or the last answer until a request is complete.
 */
function startDeadline(socket: TLSSocket, options: JsonServerOptions): Deadline {
  let answered = false
  let timer: NodeJS.Timeout | undefined
  const expire = (): void => {
    // A kept connection that the peer does not need any more is no reason for a line in the log.
    if (!answered) options.refusals.refuse('tooSlow', plainAddress(socket.remoteAddress))
    socket.destroy()
  }
  const stop = (): void => clearTimeout(timer)
  const start = (): void => {
    stop()
    if (!socket.destroyed) timer = setTimeout(expire, options.requestMs).unref()
  }
  socket.once('close', stop)
  start()
  return {
    stop,
    restart() {
      answered = true
      start()
    },
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
  options: JsonServerOptions,
): Promise<void> {
  const path = request.url ?? ''
  try {
    if (request.method !== 'POST') throw new HotStandbyError('HS_NOT_FOUND')
    const body = await readJson(request)
    send(response, 200, await options.answer({ path, body, socket: connection.socket }))
  } catch (thrown) {
    const error = toHotStandbyError(thrown)
    if (error.code === 'HS_INTERNAL')
      options.logger.error({ path, error: thrown }, 'a call of the peer met an error of our own')
    // A request that was not read to its end leaves the connection in no state for another.
    if (!request.complete) {
      response.setHeader('connection', 'close')
      response.once('finish', () => connection.socket.destroySoon())
    }
    send(response, error.status, error.toJSON())
  }
}

function send(response: ServerResponse, status: number, document: unknown): void {
  if (response.destroyed) return
  const text = JSON.stringify(document ?? {})
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** The body of a request or an answer. Errors: HS_REQUEST_INVALID when it is too big or not JSON. */
export async function readJson(message: IncomingMessage): Promise<unknown> {
  const text = await readText(message)
  try {
    return JSON.parse(text)
  } catch {
    throw new HotStandbyError('HS_REQUEST_INVALID', { reason: 'the body is not JSON' })
  }
}

async function readText(message: IncomingMessage): Promise<string> {
  if (Number(message.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooBig()
  const chunks: Buffer[] = []
  let bytes = 0
  // Not `for await`: leaving it early destroys the socket, and the answer with it.
  await new Promise<void>((resolve, reject) => {
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
      else {
        message.pause()
        reject(tooBig())
      }
    })
    message.once('end', resolve)
    message.once('error', () => reject(brokenOff()))
    message.once('close', () => reject(brokenOff()))
  })
  return Buffer.concat(chunks).toString('utf8')
}

function tooBig(): HotStandbyError {
  const reason = `the body is larger than ${MAX_BODY_BYTES} bytes`
  return new HotStandbyError('HS_REQUEST_INVALID', { reason })
}

function brokenOff(): HotStandbyError {
  return new HotStandbyError('HS_REQUEST_INVALID', { reason: 'the connection closed within it' })
}
