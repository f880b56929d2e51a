import type { Request, Response, Router } from 'express'
import { eventsCsv } from '../../api/events-csv.ts'
import type { HistoryEntry } from '../../api/status-document.ts'
import { HotStandbyError } from '../../errors.ts'
import { route } from '../handler.ts'
import { historyFilter } from '../history-filter.ts'
import { sendPage } from '../send-page.ts'
import { historyModel } from '../view-models/history-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

const EXPORT_LIMIT = 10_000

/** History: what happened and why, who asked for it, with filter, pages and export. */
export function historyRoutes(web: Web, router: Router): void {
  router.get(
    '/history',
    route(web, 'view', async (request, response) => {
      const language = languageFor(web, request)
      const filter = historyFilter(request, language.timeZone)
      const isWrong = filter.problems.length > 0
      const [status, { events }] = await Promise.all([
        web.watch.current(),
        isWrong
          ? { events: [] }
          : agentFor(web, request).events({ ...filter.query, limit: filter.limit + 1 }),
      ])
      await sendPage(web, request, response, {
        view: 'history',
        title: language.t('page.history'),
        model: historyModel(events, filter, status, language),
        status: isWrong ? 400 : 200,
      })
    }),
  )
  const exportAs = (send: (response: Response, events: readonly HistoryEntry[]) => void) =>
    route(web, 'view', async (request: Request, response) => {
      const { query, problems } = historyFilter(request, languageFor(web, request).timeZone)
      if (problems.length > 0) throw new HotStandbyError('HS_REQUEST_INVALID', { fields: problems })
      const { events } = await agentFor(web, request).events({ ...query, limit: EXPORT_LIMIT })
      send(response, events)
    })
  router.get(
    '/history.csv',
    exportAs((response, events) => {
      response.attachment('hot-standby-history.csv').type('text/csv; charset=utf-8')
      response.send(eventsCsv(events))
    }),
  )
  router.get(
    '/history.json',
    exportAs((response, events) => {
      response.attachment('hot-standby-history.json').json(events)
    }),
  )
}
