import type { Request, Response, Router } from 'express'
import { HotStandbyError } from '../../errors.ts'
import { formText, formTexts } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import {
  type MaintenanceAnswer,
  maintenanceModel,
  UNTIL_ENDED,
} from '../view-models/maintenance-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

/** What is not a number is the agent's to refuse, as it is with every other client. */
function lengthOf(chosen: string): { untilEnded: true } | { durationMs: number } {
  return chosen === UNTIL_ENDED
    ? { untilEnded: true }
    : { durationMs: Number(chosen || Number.NaN) }
}

/** Maintenance mode, and the switch of automatic take-over. */
export function maintenanceRoutes(web: Web, router: Router): void {
  const show = async (
    request: Request,
    response: Response,
    answer: MaintenanceAnswer = {},
  ): Promise<void> => {
    const language = languageFor(web, request)
    const model = maintenanceModel(await web.watch.fresh(), answer, language)
    const page = { view: 'maintenance', title: language.t('page.maintenance'), model }
    await sendPage(web, request, response, { ...page, status: answer.error?.status ?? 200 })
  }
  /** Runs it and says what was done; what the agent refuses is shown on this page. */
  const action = (run: (request: Request) => Promise<string>) =>
    route(web, 'operate', async (request, response) => {
      let done: string
      try {
        done = await run(request)
      } catch (error) {
        if (!(error instanceof HotStandbyError) || error.code === 'HS_AGENT_UNREACHABLE')
          throw error
        await show(request, response, { error, sent: formTexts(request) })
        return
      }
      response.redirect(303, `${request.baseUrl}/maintenance?done=${done}`)
    })

  router.get(
    '/maintenance',
    route(web, 'view', (request, response) => show(request, response)),
  )
  router.post(
    '/maintenance',
    action(async (request) => {
      await agentFor(web, request).setMaintenance({
        on: true,
        ...lengthOf(formText(request, 'durationMs')),
        pauseSynchronisation: formText(request, 'pauseSynchronisation') === 'on',
      })
      return 'maintenance'
    }),
  )
  router.post(
    '/maintenance/end',
    action(async (request) => {
      await agentFor(web, request).setMaintenance({ on: false })
      return 'maintenanceEnded'
    }),
  )
  router.post(
    '/maintenance/automatic',
    action(async (request) => {
      const on = formText(request, 'on') === 'yes'
      await agentFor(web, request).setAutomatic({ on })
      return on ? 'automaticOn' : 'automaticOff'
    }),
  )
}
