import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { HotStandbyError, toHotStandbyError } from '../errors.ts'
import { silentLogger, type Logger } from '../logger.ts'
import type { AgentApi, CallContext, StreamEvent } from '../api/agent-api.ts'
import { API_ROUTES } from './api-requests.ts'
import { openEventStream, type Subscribe } from './api-stream.ts'
import { listenOnUnixSocket } from './unix-socket.ts'

export type { Subscribe } from './api-stream.ts'

export interface ApiServerOptions {
  readonly socketPath: string
  readonly api: AgentApi
  /** Calls the listener for every event until the returned function is called. */
  readonly subscribe: Subscribe
  readonly logger?: Logger
  /** How often a call that takes long says that it still works. */
  readonly stillWorkingEveryMs?: number
}

export interface ApiServer {
  readonly socketPath: string
  /** Ends streams, waits for nothing else; safe to call twice. */
  close(): Promise<void>
}

const LARGEST_BODY_BYTES = 65_536
const LONGEST_ACTOR = 200
/** The group may use the socket: the web process is in it. */
const SOCKET_MODE = 0o660
/** A call that takes long says so, and the client can tell work from a hung agent. */
const STILL_WORKING_EVERY_MS = 1000

/** The agent's API on its unix socket. Errors: HS_AGENT_RUNNING, HS_CONFIG_INVALID (socketPath). */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { socketPath, logger = silentLogger } = options
  const server = createServer((request, response) => void serve(options, request, response))
  await listenOnUnixSocket(server, socketPath, SOCKET_MODE)
  server.on('error', (error) => logger.error({ error: error.message }, 'the API socket failed'))
  return {
    socketPath,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  options: ApiServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now()
  const { logger = silentLogger, stillWorkingEveryMs = STILL_WORKING_EVERY_MS } = options
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent')
  const context = { actor: actorOf(request) }
  const working = setInterval(() => response.writeProcessing(), stillWorkingEveryMs)
  response.once('close', () => clearInterval(working))
  try {
    if (pathname === '/stream' && request.method === 'GET') {
      clearInterval(working)
      openEventStream(response, options.api, options.subscribe, logger)
      return
    }
    const answer = await dispatch(options.api, request, pathname, searchParams, context)
    if (pathname === '/metrics') sendText(response, answer as { contentType: string; text: string })
    else send(response, 200, answer)
  } catch (thrown) {
    const error = toHotStandbyError(thrown)
    if (error.code === 'HS_INTERNAL') logger.error({ error: thrown }, 'a call of the API failed')
    send(response, error.status, error)
  } finally {
    clearInterval(working)
    const durationMs = Math.round(performance.now() - startedAt)
    const { method } = request
    logger.debug(
      { method, path: pathname, ...context, status: response.statusCode, durationMs },
      'API call',
    )
  }
}

async function dispatch(
  api: AgentApi,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  context: CallContext,
): Promise<unknown> {
  const route = API_ROUTES.find((each) => each.path === path && each.method === request.method)
  if (route === undefined) {
    const reason = `there is no call ${request.method ?? 'GET'} ${path.slice(0, 100)}`
    throw new HotStandbyError('HS_NOT_FOUND', { reason })
  }
  const input = route.method === 'GET' ? Object.fromEntries(query) : await readBody(request)
  return route.call(api, input, context)
}

/** An absent body is an empty object. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LARGEST_BODY_BYTES)
      throw badBody(`is larger than ${LARGEST_BODY_BYTES} bytes`, 'Send less.')
    chunks.push(chunk)
  }
  if (size === 0) return {}
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    throw badBody('is not JSON', 'Send a JSON object.')
  }
}

function badBody(message: string, remedy: string): HotStandbyError {
  const fields = [{ field: '(body)', value: '(not shown)', message, remedy }]
  return new HotStandbyError('HS_REQUEST_INVALID', { fields })
}

function actorOf(request: IncomingMessage): string | null {
  const header = request.headers['x-hot-standby-actor']
  if (typeof header !== 'string' || header === '') return null
  try {
    return decodeURIComponent(header).slice(0, LONGEST_ACTOR)
  } catch {
    return header.slice(0, LONGEST_ACTOR)
  }
}

function sendText(
  response: ServerResponse,
  { contentType, text }: { readonly contentType: string; readonly text: string },
): void {
  const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }
  if (!response.destroyed) response.writeHead(200, headers).end(text)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...(status === 200 ? {} : { connection: 'close' }), // the rest of a refused body is not read
  })
  response.end(text)
}

export type { StreamEvent }
