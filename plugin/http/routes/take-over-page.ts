import type { Request, Response, Router } from 'express'
import { type FieldProblem, HotStandbyError } from '../../errors.ts'
import { formText } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { takeOverModel } from '../view-models/take-over-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

/** Take-over: what will happen, what would be lost, and the button. */
export function takeOverRoutes(web: Web, router: Router): void {
  const show = async (
    request: Request,
    response: Response,
    error: HotStandbyError | null,
  ): Promise<void> => {
    const language = languageFor(web, request)
    const status = await web.watch.fresh()
    const address = status.configLock.activeAddress
    const model = {
      ...takeOverModel(status, error, language),
      activeUrl: address === null ? null : web.options.activeUrl(address, request),
    }
    const page = { view: 'take-over', title: language.t('page.takeOver'), model }
    await sendPage(web, request, response, { ...page, status: error?.status ?? 200 })
  }

  router.get(
    '/take-over',
    route(web, 'view', (request, response) => show(request, response, null)),
  )
  router.post(
    '/take-over',
    route(web, 'operate', async (request, response) => {
      const status = await web.watch.fresh()
      const force = formText(request, 'force') === 'yes'
      const problem = force
        ? typedProblem(formText(request, 'hostName'), status.settings.server?.hostName ?? '')
        : confirmProblem(formText(request, 'confirm'))
      try {
        if (problem !== null) throw new HotStandbyError('HS_REQUEST_INVALID', { fields: [problem] })
        await agentFor(web, request).takeOver({ force, wait: false })
      } catch (thrown) {
        // What can be mended on this page is shown on this page.
        const isHere =
          thrown instanceof HotStandbyError &&
          ['HS_REQUEST_INVALID', 'HS_TAKE_OVER_REFUSED', 'HS_WRONG_STATE'].includes(thrown.code)
        if (!isHere) throw thrown
        await show(request, response, thrown)
        return
      }
      response.redirect(303, `${request.baseUrl}/take-over?done=takeOver`)
    }),
  )
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
