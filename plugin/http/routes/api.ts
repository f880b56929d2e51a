import type { Request, Router } from 'express'
import type { Permission } from '../../config/plugin-options.ts'
import type {
  AgentApi,
  JoinInput,
  NotificationsInput,
  PreviewInput,
  SettingsInput,
  WaitInput,
} from '../../api/agent-api.ts'
import { queryText } from '../form.ts'
import { route } from '../handler.ts'
import { agentFor, type Web } from '../web.ts'

type Call = (agent: AgentApi, request: Request) => Promise<unknown>

/** The pages' actions as JSON: the agent's calls behind the platform's permissions. */
export function apiRoutes(web: Web, router: Router): void {
  const answer = (permission: Permission, call: Call) =>
    route(web, permission, async (request, response) => {
      response.json(await call(agentFor(web, request), request))
    })
  router.get(
    '/api/csrf',
    route(web, 'view', (request, response) => {
      response.json({ token: web.csrf.token(request, response) })
    }),
  )
  router.get(
    '/api/status',
    answer('view', () => web.watch.fresh()),
  )
  router.get(
    '/api/doctor',
    answer('view', (agent) => agent.doctor()),
  )
  router.get(
    '/api/notifications',
    answer('view', (agent) => agent.notifications()),
  )
  router.get(
    '/api/events',
    answer('view', (agent, request) => agent.events(eventsQuery(request))),
  )
  router.put(
    '/api/settings',
    answer('configure', (agent, request) => agent.saveSettings(body(request))),
  )
  router.put(
    '/api/notifications/settings',
    answer('configure', (agent, request) => agent.saveNotifications(body(request))),
  )
  router.post(
    '/api/notifications/preview',
    answer('configure', (agent, request) => agent.previewNotification(body(request))),
  )
  router.post(
    '/api/access-code',
    answer('configure', (agent) => agent.makeAccessCode()),
  )
  router.post(
    '/api/join/preview',
    answer('configure', (agent, request) => agent.previewJoin(body(request))),
  )
  router.post(
    '/api/join',
    answer('configure', (agent, request) => agent.join(body(request))),
  )
  router.post(
    '/api/disable',
    answer('configure', (agent, request) => agent.disable(body(request))),
  )
  router.post(
    '/api/take-over',
    answer('operate', (agent, request) => agent.takeOver(body(request))),
  )
  router.get(
    '/api/take-over/preview',
    answer('view', (agent) => agent.previewLoss()),
  )
  router.post(
    '/api/switchover',
    answer('operate', (agent, request) => agent.switchOver(body(request))),
  )
  router.post(
    '/api/switchover/cancel',
    answer('operate', (agent) => agent.cancelSwitchover()),
  )
  router.post(
    '/api/drill',
    answer('operate', (agent, request) => agent.drill(body(request))),
  )
  router.get(
    '/api/unsent',
    answer('view', (agent) => agent.unsent()),
  )
  router.post(
    '/api/unsent',
    answer('operate', (agent, request) => agent.settleUnsent(body(request))),
  )
  router.post(
    '/api/maintenance',
    answer('operate', (agent, request) => agent.setMaintenance(body(request))),
  )
  router.post(
    '/api/automatic',
    answer('operate', (agent, request) => agent.setAutomatic(body(request))),
  )
  router.post(
    '/api/resynchronise',
    answer('operate', (agent, request) => agent.resynchronise(body(request))),
  )
  router.post(
    '/api/check',
    answer('operate', (agent, request) => agent.check(body(request))),
  )
  router.post(
    '/api/wait',
    answer('view', (agent, request) => agent.wait(body(request))),
  )
  router.post(
    '/api/notify-test',
    answer('operate', (agent, request) => agent.notifyTest(body(request))),
  )
}

/** The agent checks every field and names the wrong ones, so nothing is checked twice here. */
type Body = JoinInput &
  SettingsInput &
  NotificationsInput &
  PreviewInput &
  WaitInput & {
    readonly force: boolean
    readonly on: boolean
    readonly how: 'reapply' | 'discard'
    readonly whenIdle: boolean
    readonly withinMs: number
    readonly durationMs: number
    readonly pauseSynchronisation: boolean
    readonly wait: boolean
    readonly repair: boolean
    readonly email: string
  }

function body(request: Request): Body {
  return (request.body ?? {}) as Body
}

function eventsQuery(request: Request): object {
  const names = ['after', 'before', 'limit', 'level', 'kind', 'server', 'by', 'since', 'until']
  const given = names.map((name) => [name, queryText(request, name)] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== ''))
}
