import type { Request, Response, Router } from 'express'
import { HotStandbyError } from '../../errors.ts'
import { queryText } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { tableListQuery } from '../table-list.ts'
import { synchronisationModel } from '../view-models/synchronisation-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'
import { demandTyped } from './set-up-page.ts'

/** Synchronisation: each table, what is left out, check, repair and copy afresh. */
export function synchronisationRoutes(web: Web, router: Router): void {
  const show = async (
    request: Request,
    response: Response,
    error: HotStandbyError | null = null,
  ): Promise<void> => {
    const language = languageFor(web, request)
    const model = synchronisationModel(
      await web.watch.fresh(),
      error,
      tableListQuery((name) => queryText(request, name)),
      language,
    )
    const page = { view: 'synchronisation', title: language.t('page.synchronisation'), model }
    await sendPage(web, request, response, { ...page, status: error?.status ?? 200 })
  }
  const action = (done: string, run: (request: Request) => Promise<unknown>) =>
    route(web, 'operate', async (request, response) => {
      try {
        await run(request)
      } catch (error) {
        if (!(error instanceof HotStandbyError) || error.code === 'HS_AGENT_UNREACHABLE')
          throw error
        await show(request, response, error)
        return
      }
      response.redirect(303, `${request.baseUrl}/synchronisation?done=${done}`)
    })

  router.get(
    '/synchronisation',
    route(web, 'view', (request, response) => show(request, response)),
  )
  router.post(
    '/synchronisation/check',
    action('checked', (request) => agentFor(web, request).check({ repair: false })),
  )
  router.post(
    '/synchronisation/repair',
    action('repaired', (request) => agentFor(web, request).check({ repair: true })),
  )
  router.post(
    '/synchronisation/resynchronise',
    action('resynchronise', (request) => {
      demandTyped(request, 'resynchronise')
      return agentFor(web, request).resynchronise({ wait: false })
    }),
  )
}
