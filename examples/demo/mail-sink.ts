import { SMTPServer } from 'smtp-server'
import { until } from './until.ts'

export interface ReceivedMail {
  readonly at: number
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

/** A real SMTP server in this process, which keeps what it gets. */
export interface MailSink {
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  onMail(listener: (mail: ReceivedMail) => void): void
  /** The first mail whose subject fits, that came at or after `since`. */
  waitFor(subject: RegExp, since: number, limitMs: number): Promise<ReceivedMail>
  close(): Promise<void>
}

export async function startMailSink(): Promise<MailSink> {
  const mails: ReceivedMail[] = []
  const listeners: ((mail: ReceivedMail) => void)[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const to = session.envelope.rcptTo.map((recipient) => recipient.address)
        const mail = { at: Date.now(), to, subject: subjectOf(text), text }
        mails.push(mail)
        for (const listener of listeners) listener(mail)
        callback()
      })
    },
  })
  // A client that is killed in the middle of a mail is part of the story.
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as { port: number }
  return {
    port,
    mails,
    onMail: (listener) => listeners.push(listener),
    waitFor: (subject, since, limitMs) =>
      until(
        `a mail with the subject ${String(subject)}`,
        () => mails.find((mail) => mail.at >= since && subject.test(mail.subject)),
        limitMs,
      ),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function subjectOf(text: string): string {
  const header = /^subject:((?:.*\r?\n[ \t])*.*)/imu.exec(text)?.[1] ?? ''
  const unfolded = header.replaceAll(/\?=\s+=\?/gu, '?==?').replaceAll(/\r?\n[ \t]/gu, ' ')
  return unfolded.trim().replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/giu, decodeWord)
}

function decodeWord(_word: string, encoding: string, text: string): string {
  if (encoding.toLowerCase() === 'b') return Buffer.from(text, 'base64').toString('utf8')
  const bytes = text
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9a-f]{2})/giu, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
