import { setTimeout as delay } from 'node:timers/promises'
import type { Request, RequestHandler, Response } from 'express'
import type { ConfigLockStatus, StatusDocument } from '../plugin/api/status-document.ts'
import type { StateName } from '../plugin/core/state.ts'
import { HotStandbyError } from '../plugin/errors.ts'
import type { Logger } from '../plugin/logger.ts'
import type { ChangeTurns } from './change-turns.ts'

/** What the lock needs to know and to tell. */
export interface ConfigLockPorts {
  /** At most half a second old; throws when the agent does not answer. */
  readonly status: () => Promise<StatusDocument>
  /** Of now; throws when the agent does not answer. */
  readonly freshStatus: () => Promise<StatusDocument>
  /** What the agent said last, while it still answered. */
  readonly lastStatus: () => StatusDocument | null
  /** Asks the database whether this server belongs to a pair; null when there is no database to ask. */
  readonly isPairedInDatabase: (() => Promise<boolean>) | null
  /** How long this server may serve yet, in milliseconds, whether its agent answers or not; 0 when it may not. */
  readonly serviceLeaseMs: () => Promise<number>
  /** Keeps changes back while the role moves on purpose. */
  readonly turns: Pick<ChangeTurns, 'enter'>
  /** Sends a change to where the virtual IP moves; false when that is not known. */
  readonly redirect: (request: Request, response: Response) => boolean
  /** Tells the agent, for the history. */
  readonly recordRefusal: (input: {
    readonly path: string
    readonly user: string | null
  }) => Promise<unknown>
  readonly actor: (request: Request) => string | null
  /** Answers the refused request as a page or as JSON. */
  readonly refuse: (request: Request, response: Response, error: HotStandbyError) => Promise<void>
  readonly logger: Logger
}

/** An agent that is started again answers well within this time. */
const LONGEST_WAIT_MS = 10_000
const LOOK_AGAIN_MS = 50
/** What the agent takes at the most. */
const LONGEST_PATH = 2000
/** The virtual IP leads to this server a moment before its agent says that it is active. */
const PASSING: Partial<Record<StateName, Lock['passing']>> = {
  boot: 'agentRestarts',
  claiming: 'becomesActive',
  takingOver: 'becomesActive',
}
const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Middleware for the platform's configuration routes: on a server that must not be configured it answers 423
 * and says where configuration is possible. It fails closed: a paired server whose agent does not answer is locked. While
 * such a server may serve, its agent being started again, changes wait and are not refused; so they do on a server that
 * becomes active at this moment. In a planned switchover they wait, too; all requests go to the virtual IP with 307 while
 * it moves.
 */
export function createConfigLock(ports: ConfigLockPorts): RequestHandler {
  // One looks for all that wait.
  let settling: Promise<Lock> | null = null
  const settledLock = async (): Promise<Lock> => {
    const lock = await lockNow(ports)
    if (lock.passing === null) return lock
    settling ??= settle(ports, lock).finally(() => {
      settling = null
    })
    return settling
  }
  return (request, response, next) => {
    const isChange = !READS.has(request.method)
    const decide = async (): Promise<void> => {
      const turn = await ports.turns.enter(response, isChange)
      if (response.destroyed) return
      if (turn === 'moved' && ports.redirect(request, response)) return
      if (!isChange) {
        next()
        return
      }
      const lock = await settledLock()
      if (response.destroyed) return
      if (!lock.locked) {
        next()
        return
      }
      report(ports, request)
      const error = new HotStandbyError('HS_CONFIG_LOCKED', {
        reason: lock.reasons.join('; '),
        reasons: lock.reasons,
        activeAddress: lock.activeAddress,
      })
      await ports.refuse(request, response, error)
    }
    decide().catch(next)
  }
}

interface Lock extends ConfigLockStatus {
  /** Locked only because it is not known yet what this server is, or because it is not quite active. */
  readonly passing: 'agentRestarts' | 'becomesActive' | null
}

/** A change that the lease lets wait is not acknowledged, so nothing is lost when the agent does not come back. */
async function settle(ports: ConfigLockPorts, first: Lock): Promise<Lock> {
  const until = performance.now() + LONGEST_WAIT_MS
  let lock = first
  while (performance.now() < until && (await mayPass(ports, lock))) {
    await delay(LOOK_AGAIN_MS)
    lock = await lockNow(ports)
  }
  return lock
}

async function mayPass(ports: ConfigLockPorts, { passing }: Lock): Promise<boolean> {
  return passing === 'agentRestarts' ? (await ports.serviceLeaseMs()) > 0 : passing !== null
}

async function lockNow(ports: ConfigLockPorts): Promise<Lock> {
  try {
    const { configLock } = await ports.status()
    if (!configLock.locked) return { ...configLock, passing: null }
    // A server that has just become active must not refuse what its new role allows.
    const now = await ports.freshStatus()
    const { configLock: lock, server } = now
    return { ...lock, passing: lock.locked ? (PASSING[server.state] ?? null) : null }
  } catch {
    const lock = await lockWithoutAgent(ports)
    return { ...lock, passing: lock.locked ? 'agentRestarts' : null }
  }
}

async function lockWithoutAgent(ports: ConfigLockPorts): Promise<ConfigLockStatus> {
  const last = ports.lastStatus()
  if (last !== null)
    return last.setUp === 'paired'
      ? locked(
          'the hot standby agent does not answer, so it is not known whether this server is active',
          last,
        )
      : open
  if (ports.isPairedInDatabase === null)
    return locked('the hot standby agent has not answered since this process started')
  try {
    if (!(await ports.isPairedInDatabase())) return open
    return locked('the hot standby agent does not answer and this server belongs to a pair')
  } catch {
    return locked('neither the hot standby agent nor the database answers')
  }
}

const open: ConfigLockStatus = { locked: false, reasons: [], activeAddress: null }

function locked(reason: string, last: StatusDocument | null = null): ConfigLockStatus {
  // The virtual IP leads to whichever server is active, also when this one does not know.
  const activeAddress = last?.virtualIp?.address ?? null
  return { locked: true, reasons: [reason], activeAddress }
}

function report(ports: ConfigLockPorts, request: Request): void {
  const path = (request.originalUrl.split('?')[0] ?? '').slice(0, LONGEST_PATH)
  ports.recordRefusal({ path, user: ports.actor(request) }).catch((error: unknown) => {
    ports.logger.debug({ error }, 'a refusal could not be told to the agent')
  })
}
