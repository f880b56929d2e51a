import type { Request, Response, Router } from 'express'
import type { NotificationChannel } from '../../api/outbox-message.ts'
import { previewTemplate } from '../../config/message-template.ts'
import type { MessageTemplate, PairSettings } from '../../core/settings.ts'
import { HotStandbyError } from '../../errors.ts'
import { formText, formTexts, queryText } from '../form.ts'
import { route } from '../handler.ts'
import { sendPage } from '../send-page.ts'
import { contactsFromForm } from '../settings-form.ts'
import {
  eventLevelsModel,
  notificationSettings,
  sentTemplate,
  templateModel,
} from '../view-models/message-settings-model.ts'
import { notificationsModel } from '../view-models/notifications-model.ts'
import { agentFor, languageFor, type Web } from '../web.ts'

/** What was sent and is not right. */
export interface NotificationsAnswer {
  readonly sent?: Readonly<Record<string, string>>
  readonly error?: HotStandbyError
  readonly errorIn?: 'contacts' | 'test' | 'events' | 'template'
  /** A template filled in with samples. */
  readonly preview?: MessageTemplate
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
    const template = answer.sent?.['template'] ?? queryText(request, 'template')
    const model = {
      ...notificationsModel(status, deliveries, answer, language),
      events: eventLevelsModel(status, answer, language),
      template: templateModel(status, template, answer, language),
      isTemplateOpen: template !== '',
    }
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
    '/notifications/events',
    route(web, 'configure', async (request, response) => {
      try {
        await saveEvents(web, request)
      } catch (error) {
        await showError(request, response, error, 'events')
        return
      }
      response.redirect(303, `${request.baseUrl}/notifications?done=events`)
    }),
  )
  router.post(
    '/notifications/template',
    route(web, 'configure', async (request, response) => {
      const sent = formTexts(request)
      const { action, template: name = '' } = sent
      const template = sentTemplate(sent)
      try {
        if (action === 'preview') {
          await show(request, response, { sent, preview: previewTemplate(name, template) })
          return
        }
        await saveTemplate(web, request, name, action === 'restore' ? null : template)
      } catch (error) {
        await showError(request, response, error, 'template')
        return
      }
      const query = new URLSearchParams({ template: name, done: 'template' }).toString()
      response.redirect(303, `${request.baseUrl}/notifications?${query}`)
    }),
  )
  router.post(
    '/notifications/test',
    route(web, 'operate', async (request, response) => {
      const email = formText(request, 'email').trim()
      const channel = CHANNELS.find((each) => each === formText(request, 'channel'))
      try {
        await agentFor(web, request).notifyTest({
          ...(email === '' ? {} : { email }),
          ...(channel === undefined ? {} : { channel }),
        })
      } catch (error) {
        await showError(request, response, error, 'test')
        return
      }
      response.redirect(303, `${request.baseUrl}/notifications?done=sent`)
    }),
  )
}

const CHANNELS: readonly NotificationChannel[] = ['mail', 'webhook', 'syslog']

/** Which events are told at which level; what is as usual is not kept. */
async function saveEvents(web: Web, request: Request): Promise<void> {
  const stored = notificationSettings(await web.watch.fresh())
  const sent = formTexts(request)
  const kinds = Object.entries(sent)
    .filter(([name, level]) => name.startsWith('kind.') && level !== '')
    .map(([name, level]) => [name.slice('kind.'.length), level])
  await agentFor(web, request).saveSettings({
    pair: {
      notifications: {
        ...stored,
        kinds: Object.fromEntries(kinds) as object,
        notProtectedAfterMinutes: sent['notProtectedAfterMinutes'] ?? '',
        behindAfterSeconds: sent['behindAfterSeconds'] ?? '',
      },
    },
  })
}

/** Keeps a template, or with null forgets it, so that the usual one is back. */
async function saveTemplate(
  web: Web,
  request: Request,
  name: string,
  template: MessageTemplate | null,
): Promise<void> {
  const stored = notificationSettings(await web.watch.fresh())
  const others = Object.entries(stored.templates).filter(([each]) => each !== name)
  const templates = Object.fromEntries(
    template === null ? others : [...others, [name, template] as const],
  )
  await agentFor(web, request).saveSettings({
    pair: { notifications: { ...stored, templates } },
  })
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
