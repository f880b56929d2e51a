import express, { type Request, type Response, type Router } from 'express'
import type { StatusDocument } from '../../api/status-document.ts'
import { isPermitted } from '../handler.ts'
import { queryText } from '../form.ts'
import type { Web } from '../web.ts'

type Verdict =
  { readonly ok: true } | { readonly ok: false; readonly why: string; readonly status?: number }

/**
 * For load balancers: 200 or 503 and a word why. No session is asked for and nothing is told that a connection
 * attempt would not tell; `health: 'authorize'` asks the platform, `health: 'off'` leaves them out.
 */
export function healthRoutes(web: Web): Router {
  const router = express.Router()
  if (web.options.health === 'off') return router
  const answer = (judge: (status: StatusDocument, request: Request) => Verdict) =>
    handled(web, async (request) => {
      const limit = maxLagMs(request)
      if (limit === 'wrong')
        return { ok: false, status: 400, why: 'maxLag is not a time: write 5s or 500ms' }
      try {
        return judge(await web.watch.current(), request)
      } catch {
        return { ok: false, why: 'the agent does not answer' }
      }
    })
  router.get('/active', answer(isActive))
  router.get('/standby', answer(isStandby))
  router.get(
    '/live',
    handled(web, () => Promise.resolve({ ok: true })),
  )
  return router
}

function handled(web: Web, judge: (request: Request) => Promise<Verdict>) {
  return (request: Request, response: Response): void => {
    const run = async (): Promise<void> => {
      const isOpen = web.options.health === 'open' || (await isPermitted(web, request, 'view'))
      const verdict: Verdict = isOpen
        ? await judge(request)
        : { ok: false, status: 403, why: 'not permitted' }
      send(response, verdict)
    }
    run().catch((error: unknown) => {
      web.logger.error({ error }, 'a health check failed')
      send(response, { ok: false, why: 'the check failed' })
    })
  }
}

function send(response: Response, verdict: Verdict): void {
  response
    .status(verdict.ok ? 200 : (verdict.status ?? 503))
    .set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    .json(verdict.ok ? { ok: true } : { ok: false, why: verdict.why })
}

/** Serves: the active of a pair that holds the virtual IP, or a server without a pair. */
function isActive({ setUp, configLock, server }: StatusDocument): Verdict {
  if (setUp !== 'paired') return { ok: true }
  if (server.role === 'active' && !configLock.locked) return { ok: true }
  return { ok: false, why: 'this server is not active' }
}

/** Could take over, and is not further behind than `maxLag`. */
function isStandby(
  { setUp, server, replication, blockers }: StatusDocument,
  request: Request,
): Verdict {
  if (setUp !== 'paired' || server.role !== 'standby')
    return { ok: false, why: 'this server is not standby' }
  const limit = maxLagMs(request)
  const lagMs = replication.lag?.ageMs ?? null
  if (typeof limit === 'number' && (lagMs === null || lagMs > limit))
    return { ok: false, why: 'the lag is larger than maxLag, or not known' }
  if (!replication.inSync && typeof limit !== 'number') return { ok: false, why: 'not in sync' }
  return blockers.length === 0 ? { ok: true } : { ok: false, why: 'a take-over is blocked' }
}

/** `5s`, `500ms`, or bare milliseconds; null when it is not given. */
function maxLagMs(request: Request): number | null | 'wrong' {
  if (request.query['maxLag'] === undefined) return null
  const match = /^(\d{1,9})(ms|s)?$/.exec(queryText(request, 'maxLag'))
  if (match === null) return 'wrong'
  return Number(match[1]) * (match[2] === 's' ? 1000 : 1)
}
