import { Router, type Request } from 'express'
import type { Permission } from '../../config/plugin-options.ts'
import type { AgentApi, JoinInput, SettingsInput, WaitInput } from '../../api/agent-api.ts'
import { queryText } from '../form.ts'
import { route } from '../handler.ts'
import { agentFor, type Web } from '../web.ts'

type Call = (agent: AgentApi, request: Request) => Promise<unknown>

/** The pages' actions as JSON: the agent's calls behind the platform's permissions. */
export function apiRoutes(web: Web): Router {
  const router = Router()
  const answer = (permission: Permission, call: Call) =>
    route(web, permission, async (request, response) => {
      response.json(await call(agentFor(web, request), request))
    })
  router.get(
    '/csrf',
    route(web, 'view', (request, response) => {
      response.json({ token: web.csrf.token(request, response) })
    }),
  )
  router.get(
    '/status',
    answer('view', () => web.watch.current()),
  )
  router.get(
    '/doctor',
    answer('view', (agent) => agent.doctor()),
  )
  router.get(
    '/notifications',
    answer('view', (agent) => agent.notifications()),
  )
  router.get(
    '/events',
    answer('view', (agent, request) => agent.events(eventsQuery(request))),
  )
  router.put(
    '/settings',
    answer('configure', (agent, request) => agent.saveSettings(body(request))),
  )
  router.post(
    '/access-code',
    answer('configure', (agent) => agent.makeAccessCode()),
  )
  router.post(
    '/join/preview',
    answer('configure', (agent, request) => agent.previewJoin(body(request))),
  )
  router.post(
    '/join',
    answer('configure', (agent, request) => agent.join(body(request))),
  )
  router.post(
    '/disable',
    answer('configure', (agent, request) => agent.disable(body(request))),
  )
  router.post(
    '/take-over',
    answer('operate', (agent, request) => agent.takeOver(body(request))),
  )
  router.post(
    '/resynchronise',
    answer('operate', (agent, request) => agent.resynchronise(body(request))),
  )
  router.post(
    '/check',
    answer('operate', (agent, request) => agent.check(body(request))),
  )
  router.post(
    '/wait',
    answer('view', (agent, request) => agent.wait(body(request))),
  )
  router.post(
    '/notify-test',
    answer('operate', (agent, request) => agent.notifyTest(body(request))),
  )
  return router
}

/** The agent checks every field and names the wrong ones, so nothing is checked twice here. */
type Body = JoinInput &
  SettingsInput &
  WaitInput & {
    readonly force: boolean
    readonly wait: boolean
    readonly repair: boolean
    readonly email: string
  }

function body(request: Request): Body {
  return (request.body ?? {}) as Body
}

function eventsQuery(request: Request): object {
  const names = ['after', 'limit', 'level', 'kind']
  const given = names.map((name) => [name, queryText(request, name)] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== ''))
}
