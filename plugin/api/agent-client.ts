import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { HotStandbyError, fromWireError } from '../errors.ts'
import type { AgentApi, StreamEvent } from './agent-api.ts'
import { createEventParser } from './event-parser.ts'

export interface AgentClientOptions {
  /** Who asks; goes to the history. */
  readonly actor?: string
  /** The agent is silent for this long: it does not answer. Work that takes longer says so in between. */
  readonly timeoutMs?: number
  /** Ends what is under way. */
  readonly signal?: AbortSignal
}

export interface AgentClient extends AgentApi {
  /** The same calls in another person's name. */
  as(actor: string): AgentClient
  /** Calls `onEvent` for every event; `onEnd` once, with the error when it was not `close()` that ended it. */
  stream(
    onEvent: (event: StreamEvent) => void,
    onEnd?: (error: HotStandbyError | null) => void,
  ): { close(): void }
}

const DEFAULT_TIMEOUT_MS = 5000

/** The agent over its unix socket. Errors: HS_AGENT_UNREACHABLE, and what the agent answers. */
export function createAgentClient(
  socketPath: string,
  options: AgentClientOptions = {},
): AgentClient {
  const get = <Answer>(path: string) => call<Answer>(socketPath, options, 'GET', path)
  const post = <Answer>(path: string, body: object = {}) =>
    call<Answer>(socketPath, options, 'POST', path, body)
  return {
    status: () => get('/status'),
    events: (query = {}) => get(`/events${queryOf(query)}`),
    metrics: () => readMetrics(socketPath, options),
    doctor: () => get('/doctor'),
    saveSettings: (input) => call(socketPath, options, 'PUT', '/settings', input),
    makeAccessCode: () => post('/access-code'),
    join: (input) => post('/join', input),
    previewJoin: (input) => post('/join/preview', input),
    takeOver: (input) => post('/take-over', input),
    previewLoss: () => get('/take-over/preview'),
    switchOver: (input) => post('/switchover', input),
    cancelSwitchover: () => post('/switchover/cancel'),
    drill: (input) => post('/drill', input),
    unsent: () => get('/unsent'),
    settleUnsent: (input) => post('/unsent', input),
    setMaintenance: (input) => post('/maintenance', input),
    setAutomatic: (input) => post('/automatic', input),
    resynchronise: (input) => post('/resynchronise', input),
    check: (input) => post('/check', input),
    wait: (input) => post('/wait', input),
    notifyTest: (input) => post('/notify-test', input),
    notifications: () => get('/notifications'),
    saveNotifications: (input) =>
      call(socketPath, options, 'PUT', '/notifications/settings', input),
    previewNotification: (input) => post('/notifications/preview', input),
    takeMail: () => post('/notifications/take-mail'),
    settleMail: (input) => post('/notifications/settle-mail', input),
    disable: (input) => post('/disable', input),
    changesTurn: (input) => post('/config-lock/turn', input),
    recordRefusal: (input) => post('/config-lock/refused', input),
    as: (actor) => createAgentClient(socketPath, { ...options, actor }),
    stream: (onEvent, onEnd) => openStream(socketPath, options, onEvent, onEnd),
  }
}

async function call<Answer>(
  socketPath: string,
  options: AgentClientOptions,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const { response, request } = await open(socketPath, options, method, path, text)
  const answer = await readJson(response).catch((cause: unknown) => {
    throw unreachable(socketPath, cause)
  })
  request.destroy() // no connection stays behind that could keep a process alive
  if (response.statusCode === 200) return answer as Answer
  throw fromWireError(answer)
}

async function readMetrics(
  socketPath: string,
  options: AgentClientOptions,
): Promise<{ readonly contentType: string; readonly text: string }> {
  const { response, request } = await open(socketPath, options, 'GET', '/metrics')
  const text = await readText(response).catch((cause: unknown) => {
    throw unreachable(socketPath, cause)
  })
  request.destroy()
  if (response.statusCode === 200)
    return { contentType: response.headers['content-type'] ?? 'text/plain', text }
  throw fromWireError(JSON.parse(text))
}

/** Resolves with the head of the answer. */
function open(
  socketPath: string,
  { actor, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: AgentClientOptions,
  method: string,
  path: string,
  body?: string,
): Promise<{ readonly response: IncomingMessage; readonly request: ClientRequest }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path,
      agent: false,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        ...(actor === undefined ? {} : { 'x-hot-standby-actor': encodeURIComponent(actor) }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    })
    // Counts silence of the connection, so that a `102 Processing` in between starts it again.
    request.setTimeout(timeoutMs, () =>
      request.destroy(new Error(`no answer for ${String(timeoutMs)} ms`)),
    )
    request.on('error', (cause) => reject(unreachable(socketPath, cause)))
    request.on('response', (response) => resolve({ response, request }))
    request.end(body)
  })
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  return JSON.parse(await readText(response)) as unknown
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function openStream(
  socketPath: string,
  options: AgentClientOptions,
  onEvent: (event: StreamEvent) => void,
  onEnd: (error: HotStandbyError | null) => void = () => undefined,
): { close(): void } {
  let request: ClientRequest | null = null
  let ended = false
  const end = (error: HotStandbyError | null) => {
    if (ended) return
    ended = true
    request?.destroy()
    onEnd(error)
  }
  open(socketPath, options, 'GET', '/stream').then(
    (opened) => {
      ;({ request } = opened)
      const { response } = opened
      if (ended) return void request.destroy()
      const parse = createEventParser(onEvent)
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        if (!ended) parse(text)
      })
      response.on('error', (cause) => end(unreachable(socketPath, cause)))
      response.on('close', () => end(unreachable(socketPath, new Error('the stream ended'))))
    },
    (error: unknown) => end(error as HotStandbyError),
  )
  return { close: () => end(null) }
}

function queryOf(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  if (given.length === 0) return ''
  return `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()}`
}

function unreachable(socketPath: string, cause: unknown): HotStandbyError {
  const code = (cause as { code?: unknown } | null)?.code
  const why = typeof code === 'string' ? code : cause instanceof Error ? cause.message : 'unknown'
  return new HotStandbyError('HS_AGENT_UNREACHABLE', { reason: `${socketPath}: ${why}` }, { cause })
}
