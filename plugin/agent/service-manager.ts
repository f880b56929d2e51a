import type { Logger } from '../logger.ts'
import { describeEnd, runCommand } from './run-command.ts'

/** What systemd tells a service of `Type=notify`: where to answer, and how often to say that it lives. */
export interface ServiceManagerEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined
  readonly WATCHDOG_USEC?: string | undefined
  readonly WATCHDOG_PID?: string | undefined
}

export interface ServiceManager {
  /** The agent serves its socket and decides. */
  ready(): Promise<void>
  /** It lets go in order now; nothing more is told. */
  stopping(): Promise<void>
}

const NOTIFY_LIMIT_MS = 5000
/** Three times within the time after which systemd ends the agent: one may come late. */
const WATCHDOG_SHARE = 3

/**
 * Tells systemd that the agent is ready, lives and stops, by its own `systemd-notify`; without NOTIFY_SOCKET nothing.
 * That it lives is told by a timer of the loop in which everything of the agent runs, so one that hangs is ended.
 */
export function createServiceManager(
  environment: ServiceManagerEnvironment,
  logger: Logger,
): ServiceManager {
  let timer: NodeJS.Timeout | null = null
  const tell = async (...words: readonly string[]): Promise<void> => {
    const { NOTIFY_SOCKET } = environment
    if (NOTIFY_SOCKET === undefined) return
    const options = { timeoutMs: NOTIFY_LIMIT_MS, env: { NOTIFY_SOCKET } }
    const result = await runCommand(['systemd-notify', ...words], options)
    if (result.status !== 0)
      logger.warn(
        { words, stderr: result.stderr.slice(-200) },
        `systemd-notify ${describeEnd(result, NOTIFY_LIMIT_MS)}`,
      )
  }
  return {
    async ready() {
      await tell('--ready', '--status=the agent runs')
      const everyMs = watchdogMs(environment)
      if (everyMs !== null) timer = setInterval(() => void tell('WATCHDOG=1'), everyMs)
    },
    async stopping() {
      if (timer !== null) clearInterval(timer)
      timer = null
      await tell('STOPPING=1', '--status=the agent stops')
    },
  }
}

/** Null: no watchdog, or the one of another process. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: ServiceManagerEnvironment): number | null {
  const microseconds = Number(WATCHDOG_USEC ?? Number.NaN)
  const isOurs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid
  return isOurs && microseconds > 0 ? microseconds / 1000 / WATCHDOG_SHARE : null
}
