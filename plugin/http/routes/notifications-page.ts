import type { Request, Response, Router } from 'express'
import type { PairSettings } from '../../core/settings.ts'
import { HotStandbyError } from '../../errors.ts'
import { formText, formTexts } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { contactsFromForm } from '../settings-form.ts'
import { notificationsModel } from '../view-models/notifications-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

/** What was sent and is not right. */
export interface NotificationsAnswer {
  readonly sent?: Readonly<Record<string, string>>
  readonly error?: HotStandbyError
  readonly errorIn?: 'contacts' | 'test'
}

/** Notifications: who is told, a test, and what became of each message. */
export function notificationRoutes(web: Web, router: Router): void {
  const show = async (
    request: Request,
    response: Response,
    answer: NotificationsAnswer = {},
  ): Promise<void> => {
    const status = await web.watch.fresh()
    const { deliveries } = await agentFor(web, request).notifications()
    const language = languageFor(web, request)
    const model = notificationsModel(status, deliveries, answer, language)
    const page = { view: 'notifications', title: language.t('page.notifications'), model }
    await sendPage(web, request, response, { ...page, status: answer.error?.status ?? 200 })
  }
  const showError = async (
    request: Request,
    response: Response,
    error: unknown,
    errorIn: NonNullable<NotificationsAnswer['errorIn']>,
  ): Promise<void> => {
    if (!(error instanceof HotStandbyError) || error.code === 'HS_AGENT_UNREACHABLE') throw error
    await show(request, response, { sent: formTexts(request), error, errorIn })
  }

  router.get(
    '/notifications',
    route(web, 'view', (request, response) => show(request, response)),
  )
  router.post(
    '/notifications/contacts',
    route(web, 'configure', async (request, response) => {
      try {
        await saveContacts(web, request)
      } catch (error) {
        await showError(request, response, error, 'contacts')
        return
      }
      response.redirect(303, `${request.baseUrl}/notifications?done=contacts`)
    }),
  )
  router.post(
    '/notifications/test',
    route(web, 'operate', async (request, response) => {
      const email = formText(request, 'email').trim()
      try {
        await agentFor(web, request).notifyTest(email === '' ? {} : { email })
      } catch (error) {
        await showError(request, response, error, 'test')
        return
      }
      response.redirect(303, `${request.baseUrl}/notifications?done=sent`)
    }),
  )
}

async function saveContacts(web: Web, request: Request): Promise<void> {
  const { settings } = await web.watch.fresh()
  if (settings.server === null || settings.pair === null) throw new HotStandbyError('HS_NOT_SET_UP')
  const { contacts, rows } = contactsFromForm(formTexts(request))
  try {
    await agentFor(web, request).saveSettings({
      server: { ...settings.server },
      pair: { ...pairInput(settings.pair), contacts },
    })
  } catch (error) {
    throw withFormRows(error, rows)
  }
}

/** The version is the agent's to give. */
function pairInput(pair: PairSettings): object {
  return Object.fromEntries(Object.entries(pair).filter(([name]) => name !== 'version'))
}

/** The agent counts the contacts it got; the form also has empty rows between them. */
function withFormRows(error: unknown, rows: readonly number[]): unknown {
  if (!(error instanceof HotStandbyError) || error.details.fields === undefined) return error
  const fields = error.details.fields.map((problem) => ({
    ...problem,
    field: problem.field.replace(
      /contacts\.(\d+)/,
      (_, place: string) => `contacts.${rows[Number(place)] ?? place}`,
    ),
  }))
  return new HotStandbyError(error.code, { ...error.details, fields }, { cause: error })
}
