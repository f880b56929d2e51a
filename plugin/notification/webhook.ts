import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { OutboxMessage } from '../api/outbox-message.ts'
import type { HistoryEntry } from '../api/status-document.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import type { EventLevel } from '../core/settings.ts'
import { type MailServer, oneLine } from './mail-text.ts'
import { type Sender, type SendFailure, withoutSecrets } from './sender.ts'

export type WebhookConfig = NonNullable<AgentConfig['notifications']['webhook']>

export const SIGNATURE_HEADER = 'x-hot-standby-signature'
export const TIMESTAMP_HEADER = 'x-hot-standby-timestamp'
export const ID_HEADER = 'x-hot-standby-id'

/** The body of the call: the event, and which PBX it is about. */
export function webhookBody(entry: HistoryEntry, level: EventLevel, server: MailServer): string {
  return JSON.stringify({ type: 'event', server, event: { ...entry, level } })
}

/** `sha256=` and the HMAC of `timestamp.body` in hex: who has the secret made it, and not long ago. */
function webhookSignature(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
}

/**
 * Posts the body; 2xx is a yes. A redirect is not followed: the body would reach whoever the answer names. The secret is
 * read at every call, so that it can be changed, and is kept nowhere.
 */
export function createWebhookSender(config: WebhookConfig): Sender {
  return async (message) => {
    let secret = ''
    try {
      secret = await readSecret(config.secretFile)
      const ca = config.caFile === undefined ? undefined : await readFile(config.caFile, 'utf8')
      const status = await post(config, message, secret, ca)
      return status >= 200 && status < 300 ? null : refused(status)
    } catch (error) {
      const reason = withoutSecrets((error as Error).message || String(error), [
        secret,
        ...secretsOfUrl(config.url),
      ])
      return { scope: 'server', reason: oneLine(reason).slice(0, 500) }
    }
  }
}

/** Where it goes, without what a secret may hide in. */
export function webhookTarget({ url }: WebhookConfig): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

function post(
  config: WebhookConfig,
  message: OutboxMessage,
  secret: string,
  ca: string | undefined,
): Promise<number> {
  const url = new URL(config.url)
  const timestamp = String(Math.floor(Date.now() / 1000))
  const body = Buffer.from(message.text, 'utf8')
  const make = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = make(url, {
      method: 'POST',
      agent: false,
      // The whole call, however slowly the other side drips.
      signal: AbortSignal.timeout(config.timeoutMs),
      ...(ca === undefined ? {} : { ca }),
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': body.length,
        'user-agent': 'hot-standby',
        [ID_HEADER]: message.id,
        [TIMESTAMP_HEADER]: timestamp,
        [SIGNATURE_HEADER]: webhookSignature(secret, timestamp, message.text),
      },
    })
    request.on('error', (error) =>
      reject(
        error.name === 'AbortError' || error.name === 'TimeoutError'
          ? new Error(`no answer within ${config.timeoutMs} ms`)
          : error,
      ),
    )
    request.on('response', (response) => {
      // The status says it all; what the body says is not read.
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    request.end(body)
  })
}

/** Refused as it is (4xx): another message may still be taken. Too many, or too slow: the server as a whole. */
function refused(status: number): SendFailure {
  const isOfMessage = status >= 400 && status < 500 && ![401, 403, 404, 408, 429].includes(status)
  const what =
    status >= 300 && status < 400
      ? `a redirect (${status}), which is not followed`
      : `status ${status}`
  return {
    scope: isOfMessage ? 'recipient' : 'server',
    reason: `the webhook answered with ${what}`,
  }
}

async function readSecret(path: string): Promise<string> {
  try {
    const secret = (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
    if (secret !== '') return secret
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new Error(`webhook.secretFile ${path} cannot be read (${code})`, { cause })
  }
  throw new Error(`webhook.secretFile ${path} is empty`)
}

function secretsOfUrl(text: string): readonly string[] {
  const { search, password } = new URL(text)
  return [search, password]
}
