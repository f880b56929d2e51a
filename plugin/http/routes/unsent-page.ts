import type { Request, Response, Router } from 'express'
import { HotStandbyError } from '../../errors.ts'
import { formText } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { type UnsentAnswer, unsentModel } from '../view-models/unsent-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

/** Unsent changes: what the server that lost had, to be applied again or discarded, each or all. */
export function unsentRoutes(web: Web, router: Router): void {
  const show = async (
    request: Request,
    response: Response,
    answer: UnsentAnswer = {},
  ): Promise<void> => {
    const language = languageFor(web, request)
    const [status, { changes }] = await Promise.all([
      web.watch.fresh(),
      agentFor(web, request).unsent(),
    ])
    const model = unsentModel(status, changes, answer, language)
    const page = { view: 'unsent', title: language.t('page.unsent'), model }
    await sendPage(web, request, response, { ...page, status: answer.error?.status ?? 200 })
  }
  router.get(
    '/unsent',
    route(web, 'view', (request, response) => show(request, response)),
  )
  router.post(
    '/unsent',
    route(web, 'operate', async (request, response) => {
      try {
        const outcome = await agentFor(web, request).settleUnsent(settleInput(request))
        await show(request, response, { outcome })
      } catch (error) {
        const isHere = error instanceof HotStandbyError && error.code !== 'HS_AGENT_UNREACHABLE'
        if (!isHere) throw error
        await show(request, response, { error })
      }
    }),
  )
}

/** `reapply`, `reapplyAll`, `discard` or `discardAll`. Errors: HS_REQUEST_INVALID when discarding is not confirmed. */
function settleInput(request: Request) {
  const action = formText(request, 'action')
  const how = action.startsWith('discard') ? ('discard' as const) : ('reapply' as const)
  if (how === 'discard' && formText(request, 'confirm') !== 'yes') {
    const remedy = 'Tick the box if you want to discard them.'
    const problem = { field: 'confirm', value: '', message: 'is not ticked', remedy }
    throw new HotStandbyError('HS_REQUEST_INVALID', { fields: [problem] })
  }
  if (action.endsWith('All')) return { how, all: true }
  return { how, ids: chosenIds(request) }
}

/** A browser sends one ticked box as a text, several as a list. */
function chosenIds(request: Request): readonly string[] {
  const { id } = (request.body ?? {}) as { readonly id?: unknown }
  const ids: readonly unknown[] = Array.isArray(id) ? id : [id]
  return ids.filter((each): each is string => typeof each === 'string')
}
