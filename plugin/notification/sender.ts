import type { OutboxMessage } from '../api/outbox-message.ts'

/** Why a message was not taken: by the receiver's server as a whole, or only this message or recipient. */
export interface SendFailure {
  readonly scope: 'server' | 'recipient'
  /** Without secrets, one line. */
  readonly reason: string
}

/** Sends one message; null when it was taken. Never throws. */
export type Sender = (message: OutboxMessage) => Promise<SendFailure | null>

/** A channel that is not configured on this server. */
export function notConfigured(what: string): Sender {
  return () => Promise.resolve({ scope: 'server', reason: `${what} is configured on this server` })
}

/** What a server said may repeat what it was given; we do not. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, Buffer.from(secret).toString('base64')])
  return forms.reduce((cleaned, form) => cleaned.replaceAll(form, '(not shown)'), text)
}
