import { readFile } from 'node:fs/promises'
import nodemailer from 'nodemailer'
import type { AgentConfig } from '../config/agent-config.ts'
import { HotStandbyError } from '../errors.ts'
import { oneLine } from './mail-text.ts'
import { type Sender, type SendFailure, withoutSecrets } from './sender.ts'
import type { OutboxMessage } from '../api/outbox-message.ts'

export type SmtpConfig = NonNullable<AgentConfig['smtp']>

const CONNECT_MS = 10_000
const SILENCE_MS = 30_000
const SAFE_ADDRESS = /^[^\s<>()[\]\\,;:"\p{C}]+@[^\s<>()[\]\\,;:"@\p{C}]+$/u

/** Sends mail over SMTP. The password is read from its file at every mail, so that it can be changed, and is kept nowhere. */
export function createMailer(smtp: SmtpConfig): Sender {
  return async (mail) => {
    if (!SAFE_ADDRESS.test(mail.to))
      return { scope: 'recipient', reason: 'the address is not an e-mail address' }
    let secrets: readonly string[] = []
    try {
      const password = await readPassword(smtp)
      secrets = password === null ? [] : [password, `\0${smtp.user ?? ''}\0${password}`]
      await send(smtp, password, mail)
      return null
    } catch (error) {
      return toFailure(error, secrets)
    }
  }
}

async function openTransport(
  smtp: SmtpConfig,
  password: string | null,
): Promise<ReturnType<typeof nodemailer.createTransport>> {
  return nodemailer.createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.secure,
    requireTLS: smtp.requireTls,
    ...(await tlsOptions(smtp)),
    ...(smtp.user === undefined ? {} : { auth: { user: smtp.user, pass: password ?? '' } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // No part of a mail is ever fetched from a file or an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

async function send(smtp: SmtpConfig, password: string | null, mail: OutboxMessage): Promise<void> {
  const transport = await openTransport(smtp, password)
  try {
    await transport.sendMail({
      from: smtp.from,
      to: { name: '', address: mail.to },
      envelope: { from: smtp.from, to: [mail.to] },
      subject: oneLine(mail.subject),
      text: mail.text,
      html: mail.html,
      messageId: mail.messageId,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
  } finally {
    transport.close()
  }
}

async function tlsOptions(smtp: SmtpConfig): Promise<object> {
  if (smtp.caFile === undefined && smtp.verifyCertificate) return {}
  const ca = smtp.caFile === undefined ? undefined : await readConfigured(smtp.caFile, 'caFile')
  return {
    tls: { rejectUnauthorized: smtp.verifyCertificate, ...(ca === undefined ? {} : { ca }) },
  }
}

async function readPassword(smtp: SmtpConfig): Promise<string | null> {
  if (smtp.passwordFile === undefined) return null
  return (await readConfigured(smtp.passwordFile, 'passwordFile')).replace(/\r?\n$/, '')
}

async function readConfigured(path: string, field: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable'
    const reason = `smtp.${field} ${path} cannot be read (${code})`
    throw new HotStandbyError('HS_NOTIFICATION_FAILED', { reason }, { cause })
  }
}

/** Connects, negotiates TLS and logs in, without sending. Null when the server would take a mail; else why not. */
export async function verifyMailServer(smtp: SmtpConfig): Promise<string | null> {
  let secrets: readonly string[] = []
  try {
    const password = await readPassword(smtp)
    secrets = password === null ? [] : [password, `\0${smtp.user ?? ''}\0${password}`]
    const transport = await openTransport(smtp, password)
    try {
      await transport.verify()
      return null
    } finally {
      transport.close()
    }
  } catch (error) {
    return toFailure(error, secrets).reason
  }
}

function toFailure(error: unknown, secrets: readonly string[]): SendFailure {
  const { code, message } = error as { code?: string; message?: string }
  const reason = oneLine(withoutSecrets(message ?? 'unknown error', secrets)).slice(0, 500)
  return { scope: code === 'EENVELOPE' ? 'recipient' : 'server', reason }
}
