import type { Request, Response, Router } from 'express'
import type { AccessCodeAnswer, JoinInput } from '../../api/agent-api.ts'
import type { Identity } from '../../core/facts.ts'
import type { PairData } from '../../core/pair-data.ts'
import type { RequirementResult } from '../../core/requirements.ts'
import { HotStandbyError } from '../../errors.ts'
import { formText, formTexts } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { settingsFromForm } from '../settings-form.ts'
import { setUpModel } from '../view-models/set-up-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

/** What the page shows besides what is stored: the form as it was sent, or the answer to it. */
export interface SetUpAnswer {
  readonly sent?: Readonly<Record<string, string>>
  readonly error?: HotStandbyError
  readonly errorIn?: 'settings' | 'accessCode' | 'join' | 'disable'
  readonly accessCode?: AccessCodeAnswer
  readonly requirements?: readonly RequirementResult[]
  readonly data?: PairData
}

/** Set-up: this server's settings, the pair's, and pairing. */
export function setUpRoutes(web: Web, router: Router): void {
  const show = async (
    request: Request,
    response: Response,
    answer: SetUpAnswer = {},
  ): Promise<void> => {
    const language = languageFor(web, request)
    const model = setUpModel(await web.watch.fresh(), answer, language)
    const page = { view: 'set-up', title: language.t('page.setUp'), model }
    await sendPage(web, request, response, { ...page, status: answer.error?.status ?? 200 })
  }
  /** Runs the step; an error of it is shown beside the form that it came from. */
  const step = (
    errorIn: NonNullable<SetUpAnswer['errorIn']>,
    run: (request: Request, response: Response) => Promise<SetUpAnswer | string>,
  ) =>
    route(web, 'configure', async (request, response) => {
      let answer: SetUpAnswer | string
      try {
        answer = await run(request, response)
      } catch (error) {
        if (!(error instanceof HotStandbyError) || error.code === 'HS_AGENT_UNREACHABLE')
          throw error
        answer = { sent: formTexts(request), error, errorIn }
      }
      if (typeof answer === 'string') response.redirect(303, `${request.baseUrl}/${answer}`)
      else await show(request, response, answer)
    })

  router.get(
    '/set-up',
    route(web, 'view', (request, response) => show(request, response)),
  )
  router.post(
    '/set-up',
    step('settings', async (request) => {
      const { settings } = await web.watch.fresh()
      const input = settingsFromForm(formTexts(request), settings)
      await agentFor(web, request).saveSettings(input)
      return 'set-up?done=settings'
    }),
  )
  router.post(
    '/set-up/access-code',
    step('accessCode', async (request) => ({
      accessCode: await agentFor(web, request).makeAccessCode(),
    })),
  )
  router.post(
    '/set-up/preview',
    step('join', async (request) => {
      const { requirements, data } = await agentFor(web, request).previewJoin(joinInput(request))
      return { requirements, data, sent: formTexts(request) }
    }),
  )
  router.post(
    '/set-up/join',
    step('join', async (request) => {
      const agent = agentFor(web, request)
      const input = joinInput(request)
      if (input.keepDataOf === undefined) {
        const { requirements, data, keepDataOf } = await agent.previewJoin(input)
        if (keepDataOf === null)
          return {
            requirements,
            data,
            sent: formTexts(request),
            errorIn: 'join',
            error: UNANSWERED,
          }
      }
      await agent.join(input)
      return 'set-up?done=joined'
    }),
  )
  router.post(
    '/set-up/disable',
    step('disable', async (request) => {
      demandTyped(request, 'disable')
      await agentFor(web, request).disable({ force: formText(request, 'force') === 'yes' })
      return 'set-up?done=disabled'
    }),
  )
}

/** Both servers have data: the form itself asks, before the pairing begins. */
const UNANSWERED = new HotStandbyError('HS_CONFIRMATION_NEEDED', {
  fields: [
    {
      field: 'keepDataOf',
      value: '(missing)',
      message: 'is not chosen, and the data of one server will be replaced',
      remedy: 'Choose whose data the pair keeps.',
    },
  ],
})

function joinInput(request: Request): JoinInput {
  const peer = formText(request, 'peer').trim()
  const accessCode = formText(request, 'accessCode').trim()
  const missing = [
    ...(peer === '' ? [missingField('peer', 'Type the address of the primary server.')] : []),
    ...(accessCode === ''
      ? [missingField('accessCode', 'Make an access code on the primary server and type it here.')]
      : []),
  ]
  if (missing.length > 0) throw new HotStandbyError('HS_REQUEST_INVALID', { fields: missing })
  const keepDataOf = formText(request, 'keepDataOf')
  // Anything else is for the agent to refuse.
  return keepDataOf === ''
    ? { peer, accessCode }
    : { peer, accessCode, keepDataOf: keepDataOf as Identity }
}

/** Errors: HS_REQUEST_INVALID when the word was not typed. */
export function demandTyped(request: Request, word: string): void {
  const value = formText(request, 'typed')
  if (value.trim().toLowerCase() === word) return
  const problem = {
    field: 'typed',
    value: value.slice(0, 80),
    message: `is not ${word}`,
    remedy: `Type ${word} to confirm.`,
  }
  throw new HotStandbyError('HS_REQUEST_INVALID', { fields: [problem] })
}

function missingField(field: string, remedy: string) {
  return { field, value: '(missing)', message: 'is missing', remedy }
}
