import type { AgentLoop } from '../agent/agent-loop.ts'
import { roleOf } from '../core/report.ts'
import { toHotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { History, ReplicationEngine } from '../ports.ts'

const RETRY_MS = 2000
const REPORT_MS = 500

export interface DatabaseLink {
  /** Settles when the database was opened or found down; rejects when it can never be used as it is. */
  readonly firstTry: Promise<void>
  stop(): Promise<void>
}

/**
 * Opens the database side. A server that does not answer is waited for, because PostgreSQL may start after the agent;
 * a database that is foreign, not migrated or without rights is an error at once. Keeps the decision core informed.
 */
export function openDatabase(
  engine: ReplicationEngine,
  loop: AgentLoop,
  history: History,
  logger: Logger,
): DatabaseLink {
  let opened = false
  let up = false
  let retry: NodeJS.Timeout | null = null
  let stopped = false

  const open = async (first: boolean): Promise<void> => {
    try {
      await engine.open()
      opened = true
      setUp(true)
    } catch (thrown) {
      const error = toHotStandbyError(thrown)
      if (first && error.code !== 'HS_DATABASE_UNREACHABLE') throw error
      logger.error({ code: error.code, remedy: error.remedy }, error.message)
      if (!stopped) retry = setTimeout(() => void open(false), RETRY_MS)
    }
  }
  const setUp = (next: boolean): void => {
    if (up === next) return
    up = next
    report()
  }
  const report = (): void => {
    const active = roleOf(loop.view().state) === 'active'
    loop.setOwn({
      databaseUp: up,
      ...(opened ? { dataInSync: active || engine.status().inSync } : {}),
    })
  }
  engine.on('databaseUp', (value) => {
    if (value === up) return
    history.record(
      value
        ? { kind: 'databaseBack', reason: 'PostgreSQL answers again' }
        : { kind: 'databaseLost', reason: 'PostgreSQL does not answer' },
    )
    setUp(value)
  })
  engine.on('inSync', report)
  const timer = setInterval(report, REPORT_MS).unref()
  return {
    firstTry: open(true),
    stop() {
      stopped = true
      clearInterval(timer)
      if (retry !== null) clearTimeout(retry)
      return Promise.resolve()
    },
  }
}
