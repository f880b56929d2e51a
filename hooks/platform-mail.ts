import type { PlatformMailMessage } from '../plugin/api/agent-api.ts'
import type { Logger } from '../plugin/logger.ts'

/** Delivers one mail in the platform's own way; throws when it could not, then it is tried again later. */
export type SendMail = (mail: PlatformMailMessage) => void | Promise<void>

export interface PlatformMailPorts {
  readonly take: () => Promise<PlatformMailMessage | null>
  readonly settle: (id: string, error: string | null) => Promise<unknown>
  readonly logger: Logger
}

const ASK_EVERY_MS = 2000

/**
 * Takes one mail after the other from the agent's outbox and says what became of each. A mail comes again, with the same
 * id, when the process ended between its delivery and the word to the agent.
 */
export function startPlatformMail(
  send: SendMail,
  ports: PlatformMailPorts,
  everyMs = ASK_EVERY_MS,
): { wake(): void; stop(): void } {
  let running = false
  let stopped = false
  const deliver = async (mail: PlatformMailMessage): Promise<void> => {
    const error = await Promise.resolve()
      .then(() => send(mail))
      .then(
        () => null,
        (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
      )
    await ports.settle(mail.id, error)
  }
  const run = async (): Promise<void> => {
    if (running || stopped) return
    running = true
    try {
      for (let mail = await ports.take(); mail !== null; mail = await ports.take()) {
        await deliver(mail)
        if (isStopped()) return
      }
    } catch (error) {
      // Asked again soon; that the agent does not answer is said elsewhere.
      ports.logger.debug({ error }, 'mails of the agent could not be taken')
    } finally {
      running = false
    }
  }
  const isStopped = (): boolean => stopped
  const timer = setInterval(() => void run(), everyMs).unref()
  void run()
  return {
    wake: () => void run(),
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}
