import type { Request, Router } from 'express'
import type { EventsQuery } from '../../api/agent-api.ts'
import { eventsCsv } from '../../api/events-csv.ts'
import { queryText } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { HISTORY_LIMITS, historyModel } from '../view-models/history-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

const EXPORT_LIMIT = 10_000

/** History: what happened and why, with filter and export. */
export function historyRoutes(web: Web, router: Router): void {
  router.get(
    '/history',
    route(web, 'view', async (request, response) => {
      const filter = filterOf(request)
      const { events } = await agentFor(web, request).events(filter)
      const language = languageFor(web, request)
      const model = historyModel(events, filter, language)
      await sendPage(web, request, response, {
        view: 'history',
        title: language.t('page.history'),
        model,
      })
    }),
  )
  router.get(
    '/history.csv',
    route(web, 'view', async (request, response) => {
      const filter = { ...filterOf(request), limit: EXPORT_LIMIT }
      const { events } = await agentFor(web, request).events(filter)
      response.attachment('hot-standby-history.csv').type('text/csv; charset=utf-8')
      response.send(eventsCsv(events))
    }),
  )
  router.get(
    '/history.json',
    route(web, 'view', async (request, response) => {
      const filter = { ...filterOf(request), limit: EXPORT_LIMIT }
      const { events } = await agentFor(web, request).events(filter)
      response.attachment('hot-standby-history.json').json(events)
    }),
  )
}

function filterOf(request: Request): EventsQuery {
  const level = queryText(request, 'level')
  const kind = queryText(request, 'kind')
  const limit = Number(queryText(request, 'limit'))
  return {
    ...(level === '' ? {} : { level }),
    ...(kind === '' ? {} : { kind }),
    limit: HISTORY_LIMITS.includes(limit) ? limit : (HISTORY_LIMITS[0] ?? 100),
  }
}
