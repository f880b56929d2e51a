import type { Request, RequestHandler, Response } from 'express'
import type { ConfigLockStatus, StatusDocument } from '../plugin/api/status-document.ts'
import { HotStandbyError } from '../plugin/errors.ts'
import type { Logger } from '../plugin/logger.ts'

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

/** What the agent takes at the most. */
const LONGEST_PATH = 2000
const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Middleware for the platform's configuration routes: on a server that must not be configured it answers 423
 * and says where configuration is possible. It fails closed: a paired server whose agent does not answer is locked.
 */
export function createConfigLock(ports: ConfigLockPorts): RequestHandler {
  return (request, response, next) => {
    if (READS.has(request.method)) {
      next()
      return
    }
    const decide = async (): Promise<void> => {
      const lock = await lockNow(ports)
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

async function lockNow(ports: ConfigLockPorts): Promise<ConfigLockStatus> {
  try {
    const { configLock } = await ports.status()
    // A server that has just become active must not refuse what its new role allows.
    return configLock.locked ? (await ports.freshStatus()).configLock : configLock
  } catch {
    return lockWithoutAgent(ports)
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
