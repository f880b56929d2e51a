import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly raw: string
  readonly user: string | null
  readonly secure: boolean
}

export interface SmtpSink {
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  close(): Promise<void>
}

/** A real SMTP server in this process that keeps what it gets. */
export async function startSmtpSink(
  options: SMTPServerOptions & {
    readonly port?: number
    /** Waited for when the mail is here and its sender does not know it yet. */
    readonly beforeYes?: () => Promise<void>
  } = {},
): Promise<SmtpSink> {
  const mails: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.key === undefined ? ['STARTTLS'] : [],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    ...options,
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString('utf8'),
          user: session.user === undefined ? null : String(session.user),
          secure: session.secure,
        })
        void (options.beforeYes?.() ?? Promise.resolve()).then(() => callback())
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  return {
    port: (server.server.address() as { port: number }).port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
