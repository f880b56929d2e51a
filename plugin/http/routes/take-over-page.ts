import type { Request, Response, Router } from 'express'
import { type FieldProblem, HotStandbyError } from '../../errors.ts'
import { formText, formTexts } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { takeOverModel } from '../view-models/take-over-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

const MINUTE_MS = 60_000

/** Take-over and switchover: what will happen, what would be lost, and the buttons. */
export function takeOverRoutes(web: Web, router: Router): void {
  const show = async (
    request: Request,
    response: Response,
    error: HotStandbyError | null,
  ): Promise<void> => {
    const language = languageFor(web, request)
    const status = await web.watch.fresh()
    const mayForce = status.setUp === 'paired' && status.server.role !== 'active'
    const forced = mayForce ? await agentFor(web, request).previewLoss() : null
    const answer = { error, forced, sent: error === null ? {} : formTexts(request) }
    const model = takeOverModel(status, answer, language)
    const page = { view: 'take-over', title: language.t('page.takeOver'), model }
    await sendPage(web, request, response, { ...page, status: error?.status ?? 200 })
  }
  /** What can be mended on this page is shown on this page. */
  const action = (done: string, run: (request: Request) => Promise<unknown>) =>
    route(web, 'operate', async (request, response) => {
      try {
        await run(request)
      } catch (thrown) {
        if (!(thrown instanceof HotStandbyError) || !MENDED_HERE.includes(thrown.code)) throw thrown
        await show(request, response, thrown)
        return
      }
      response.redirect(303, `${request.baseUrl}/take-over?done=${done}`)
    })

  router.get(
    '/take-over',
    route(web, 'view', (request, response) => show(request, response, null)),
  )
  router.post(
    '/take-over',
    action('takeOver', async (request) => {
      const status = await web.watch.fresh()
      const force = formText(request, 'force') === 'yes'
      demand(
        force
          ? typedProblem(formText(request, 'hostName'), status.settings.server?.hostName ?? '')
          : confirmProblem(formText(request, 'confirm')),
      )
      const agent = agentFor(web, request)
      if (force) return agent.takeOver({ force, wait: false })
      // A server that comes back synchronises first; the active one asks the other.
      const isHere = status.server.role !== 'active'
      return formText(request, 'when') === 'idle'
        ? agent.switchOver({ whenIdle: true, withinMs: withinMs(request), wait: false })
        : isHere
          ? agent.takeOver({ force: false, wait: false })
          : agent.switchOver({ whenIdle: false, wait: false })
    }),
  )
  router.post(
    '/take-over/drill',
    action('drill', (request) => agentFor(web, request).drill({ wait: false })),
  )
  router.post(
    '/take-over/cancel',
    action('cancelled', (request) => agentFor(web, request).cancelSwitchover()),
  )
}

const MENDED_HERE: readonly string[] = [
  'HS_REQUEST_INVALID',
  'HS_TAKE_OVER_REFUSED',
  'HS_WRONG_STATE',
  'HS_NOT_PAIRED',
]

/** Errors: HS_REQUEST_INVALID when it is not a number of minutes; how long it may be says the agent. */
function withinMs(request: Request): number {
  const value = formText(request, 'withinMinutes').trim()
  if (!/^\d{1,6}$/.test(value))
    demand({
      field: 'withinMinutes',
      value: value.slice(0, 80),
      message: 'is not a number of minutes',
      remedy: 'Give a whole number from 1 to 1440.',
    })
  return Number(value) * MINUTE_MS
}

function demand(problem: FieldProblem | null): void {
  if (problem !== null) throw new HotStandbyError('HS_REQUEST_INVALID', { fields: [problem] })
}

function confirmProblem(value: string): FieldProblem | null {
  if (value === 'yes') return null
  const message = 'is not ticked'
  return { field: 'confirm', value, message, remedy: 'Tick the box if you want the take-over.' }
}

function typedProblem(value: string, hostName: string): FieldProblem | null {
  if (hostName !== '' && value.trim() === hostName) return null
  return {
    field: 'hostName',
    value: value.slice(0, 80),
    message: 'is not the host name of this server',
    remedy: `Type ${hostName} to say that you know which server becomes active.`,
  }
}
