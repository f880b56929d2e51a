import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AgentConfig } from '../../config/agent-config.ts'
import { HotStandbyError } from '../../errors.ts'

export type WitnessConfig = NonNullable<AgentConfig['witness']>

/** More than any answer that we ask for. */
const LONGEST_ANSWER = 65_536

/** One call of etcd's JSON gateway. Errors: HS_TIMEOUT, with a reason that holds no secret. */
export type EtcdCall = (path: string, body: unknown, signal: AbortSignal) => Promise<unknown>

/** Calls etcd; logs in where a user is configured, anew when its token has run out. */
export function createEtcdGateway(config: WitnessConfig): EtcdCall {
  let token: string | null = null
  const logIn = async (signal: AbortSignal): Promise<string> => {
    const password = (await readFile(config.passwordFile ?? '', 'utf8')).replace(/\r?\n$/, '')
    const body = { name: config.user, password }
    const { status, answer } = await post(config, '/v3/auth/authenticate', body, null, signal)
    if (status !== 200 || !isRecord(answer) || typeof answer['token'] !== 'string')
      throw unusable(`etcd refused the login of ${config.user ?? ''} with status ${status}`)
    return answer['token']
  }
  return async (path, body, signal) => {
    if (config.user !== undefined) token ??= await logIn(signal)
    const { status, answer } = await post(config, path, body, token, signal)
    if (status === 200) return answer
    token = null // The next call logs in again.
    throw unusable(`etcd answered ${path} with status ${status}`)
  }
}

async function post(
  config: WitnessConfig,
  path: string,
  body: unknown,
  token: string | null,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly answer: unknown }> {
  const url = new URL(path, config.url)
  const ca = config.caFile === undefined ? undefined : await readFile(config.caFile, 'utf8')
  const text = Buffer.from(JSON.stringify(body), 'utf8')
  const make = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = make(url, {
      method: 'POST',
      signal,
      ...(ca === undefined ? {} : { ca }),
      headers: {
        'content-type': 'application/json',
        'content-length': text.length,
        ...(token === null ? {} : { authorization: token }),
      },
    })
    request.on('error', (error) => reject(unusable(error.message)))
    request.on('response', (response) => {
      let received = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        received += chunk
        if (received.length > LONGEST_ANSWER) request.destroy(new Error('the answer is too long'))
      })
      response.on('error', (error) => reject(unusable(error.message)))
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, answer: JSON.parse(received) as unknown })
        } catch {
          reject(unusable(`${path} was not answered with JSON`))
        }
      })
    })
    request.end(text)
  })
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unusable(reason: string): HotStandbyError {
  return new HotStandbyError('HS_TIMEOUT', { reason: `the witness: ${reason}` })
}
