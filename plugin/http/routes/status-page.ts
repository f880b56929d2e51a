import type { Router } from 'express'
import { HotStandbyError } from '../../errors.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { statusModel } from '../view-models/status-model.ts'
import { languageFor, type Web } from '../web.ts'

/** Status, and the way to the active server. */
export function statusRoutes(web: Web, router: Router): void {
  router.get(
    '/',
    route(web, 'view', async (request, response) => {
      const language = languageFor(web, request)
      const status = await web.watch.fresh()
      const address = status.configLock.activeAddress
      const activeUrl = address === null ? null : web.options.activeUrl(address, request)
      const model = { ...statusModel(status, language), activeUrl }
      await sendPage(web, request, response, {
        view: 'status',
        title: language.t('page.status'),
        model,
      })
    }),
  )
  router.get(
    '/active',
    route(web, 'view', async (request, response) => {
      const address = (await web.watch.fresh()).configLock.activeAddress
      if (address === null)
        throw new HotStandbyError('HS_NOT_FOUND', { reason: 'no active server is known' })
      response.redirect(302, web.options.activeUrl(address, request))
    }),
  )
}
