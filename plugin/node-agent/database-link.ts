import type { AgentLoop } from '../agent/agent-loop.ts'
import { roleOf } from '../core/report.ts'
import { toHotStandbyError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { History, ReplicationEngine } from '../ports.ts'

const RETRY_MS = 2000
const REPORT_MS = 500
/** A peer that is heard, but whose changes do not arrive for this long, is a failure and no pause. */
const STALLED_MS = 15_000

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
  let arrivedAt = performance.now()
  let alarmed = false
  /** Changes arrive, or there is nobody to send any; else an alarm, once until they arrive again. */
  const changesArrive = (): boolean => {
    const { phase, reason } = engine.status()
    const waiting = roleOf(loop.view().state) === 'standby' && isPeerServing(loop)
    if (!waiting || !['connecting', 'failed'].includes(phase)) {
      arrivedAt = performance.now()
      if (alarmed && phase === 'streaming') {
        alarmed = false
        history.record({ kind: 'synchronisationRecovered', reason })
      }
      return true
    }
    if (performance.now() - arrivedAt < STALLED_MS) return true
    if (!alarmed) history.record({ kind: 'synchronisationFailed', reason })
    alarmed = true
    return false
  }
  const report = (): void => {
    const active = roleOf(loop.view().state) === 'active'
    const arriving = !opened || changesArrive()
    // What was in sync when the active was met last stays so, until the active is met or at least heard again.
    const isFoundOut = opened && (active || engine.knowsSync() || isPeerServing(loop))
    const dataInSync = active || (arriving && engine.status().inSync)
    loop.setOwn({ databaseUp: up, ...(isFoundOut ? { dataInSync } : {}) })
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

function isPeerServing(loop: AgentLoop): boolean {
  const { state, timing } = loop.view()
  const { heardAt, report } = state.shared.peer
  return (
    report?.role === 'active' && heardAt !== null && performance.now() - heardAt < timing.warnMs
  )
}
