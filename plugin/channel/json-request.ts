import { type Agent, type IncomingMessage, request } from 'node:http'
import { fromWireError, HotStandbyError } from '../errors.ts'
import { readJson } from './json-http.ts'
import { unreachable } from './pinned-connection.ts'

export interface JsonRequest {
  readonly path: string
  readonly body: unknown
  /** `host:port`, for error messages. */
  readonly where: string
  readonly timeoutMs: number
  /** Gives the connection: one that is kept, or one for this call. */
  readonly agent: Agent
  /** Sent once more when a kept connection turns out to be closed. */
  readonly repeatable: boolean
}

/** POSTs a document and returns the answer; a `WireError` is thrown as the error it was. Errors: HS_PEER_*, and the peer's. */
export async function postJson(options: JsonRequest): Promise<unknown> {
  const { status, document } = await attempt(options).catch((error: unknown) => {
    if (error instanceof StaleConnection) return attempt({ ...options, repeatable: false })
    throw error
  })
  if (status >= 400) throw fromWireError(document)
  return document
}

interface Answer {
  readonly status: number
  readonly document: unknown
}

/** The server closed a kept connection in the moment in which we used it again. */
class StaleConnection extends Error {}

async function attempt(options: JsonRequest): Promise<Answer> {
  const text = JSON.stringify(options.body ?? {})
  const abort = new AbortController()
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    abort.abort()
  }, options.timeoutMs)
  try {
    return await exchange(options, text, abort.signal)
  } catch (error) {
    if (timedOut)
      throw unreachable(
        `${options.where} did not answer ${options.path} in ${options.timeoutMs} ms`,
      )
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function exchange(options: JsonRequest, text: string, signal: AbortSignal): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const call = request({
      agent: options.agent,
      // The connection is pinned already; a name here would only be looked up.
      host: 'peer',
      path: options.path,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      signal,
    })
    call.once('response', (response) => {
      readAnswer(response).then(resolve, (error: unknown) =>
        reject(unreachable(`${options.where} gave an answer that was not understood`, error)),
      )
    })
    call.once('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof HotStandbyError) reject(error)
      else if (options.repeatable && call.reusedSocket) reject(new StaleConnection())
      else reject(unreachable(reasonOf(error, options.where), error))
    })
    call.end(text)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  return { status: response.statusCode ?? 500, document: await readJson(response) }
}

function reasonOf(error: NodeJS.ErrnoException, where: string): string {
  return error.code === 'ECONNRESET'
    ? `${where} hung up: it is not paired with this server any more, or its agent stopped`
    : `the connection to ${where} failed (${error.code ?? error.name})`
}
