import type { StatusDocument } from '../../api/status-document.ts'
import { DEFAULT_TEMPLATE, SUMMARY_TEMPLATE } from '../../config/default-templates.ts'
import { isTemplateName, variablesOf } from '../../config/message-template.ts'
import { EVENT_KINDS, type EventKind } from '../../core/event-kinds.ts'
import {
  DEFAULT_NOTIFICATIONS,
  type MessageTemplate,
  type NotificationSettings,
} from '../../core/settings.ts'
import type { FieldProblem } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'
import type { NotificationsAnswer } from '../routes/notifications-page.ts'
import { fieldView } from './field-view.ts'
import { LEVELS } from './words.ts'

/** What is stored about messages, completed. */
export function notificationSettings({ settings }: StatusDocument): NotificationSettings {
  return settings.pair?.notifications ?? DEFAULT_NOTIFICATIONS
}

/** Which events are told at which level, and when the two times count. */
export function eventLevelsModel(
  status: StatusDocument,
  answer: NotificationsAnswer,
  language: Language,
): object {
  const { t, say } = language
  const stored = notificationSettings(status)
  const isSent = answer.errorIn === 'events'
  const problems = isSent ? withoutGroup(answer.error?.details.fields ?? []) : []
  const values: Readonly<Record<string, string>> = isSent
    ? (answer.sent ?? {})
    : {
        notProtectedAfterMinutes: String(stored.notProtectedAfterMinutes),
        behindAfterSeconds: String(stored.behindAfterSeconds),
      }
  const rows = Object.entries(EVENT_KINDS).map(([kind, { title, level, notify }]) => {
    const chosen = isSent ? (values[`kind.${kind}`] ?? '') : (stored.kinds[kind] ?? '')
    const own = notify ? t(`level.${level}`) : t('notifications.off')
    return {
      kind,
      title,
      isChanged: chosen !== '',
      choices: ['', ...LEVELS, 'off'].map((value) => ({
        value,
        label: labelOf(value, own, t),
        isSelected: value === chosen,
      })),
    }
  })
  return {
    rows: rows.sort((a, b) => say(a.title).localeCompare(say(b.title), language.tag)),
    changed: rows.filter((row) => row.isChanged).length,
    times: ['notProtectedAfterMinutes', 'behindAfterSeconds'].map((name) =>
      fieldView({ name, hasHelp: true }, values, problems, language),
    ),
  }
}

function labelOf(value: string, own: string, t: Language['t']): string {
  if (value === '') return t('notifications.asUsual', { level: own })
  return value === 'off' ? t('notifications.off') : t(`level.${value}`)
}

/** The editor of one template: what was sent, else what is stored, else what is said when nobody changed it. */
export function templateModel(
  status: StatusDocument,
  name: string,
  answer: NotificationsAnswer,
  language: Language,
): object {
  const { t, say } = language
  const { templates } = notificationSettings(status)
  const wanted = isTemplateName(name) ? name : 'default'
  const stored = templates[wanted]
  const isSent = answer.sent?.['template'] === wanted
  const shown = isSent
    ? sentTemplate(answer.sent ?? {})
    : (stored ?? usualTemplate(wanted, templates))
  const problems = answer.errorIn === 'template' ? (answer.error?.details.fields ?? []) : []
  const title = (each: string): string =>
    each === 'default' || each === 'summary'
      ? t(`template.${each}`)
      : say(EVENT_KINDS[each as EventKind].title)
  return {
    name: wanted,
    title: title(wanted),
    isChanged: stored !== undefined,
    preview: answer.preview ?? null,
    choices: ['default', 'summary', ...Object.keys(EVENT_KINDS)].map((each) => ({
      value: each,
      label:
        templates[each] === undefined ? title(each) : t('template.changed', { title: title(each) }),
      isSelected: each === wanted,
    })),
    subject: fieldView({ name: 'subject' }, { ...shown }, inTemplate(problems, wanted), language),
    areas: (['text', 'html'] as const).map((part) =>
      fieldView({ name: part }, { ...shown }, inTemplate(problems, wanted), language),
    ),
    variables: Object.entries(variablesOf(wanted)).map(([variable, { what }]) => ({
      variable: `{{${variable}}}`,
      what,
    })),
  }
}

/** What a template says as long as nobody wrote another one. */
export function usualTemplate(
  name: string,
  templates: NotificationSettings['templates'],
): MessageTemplate {
  if (name === 'summary') return SUMMARY_TEMPLATE
  return name === 'default' ? DEFAULT_TEMPLATE : (templates['default'] ?? DEFAULT_TEMPLATE)
}

export function sentTemplate(sent: Readonly<Record<string, string>>): MessageTemplate {
  const { subject = '', text = '', html = '' } = sent
  // Browsers send lines with a carriage return.
  const lines = (value: string): string => value.replaceAll('\r\n', '\n')
  return { subject: lines(subject), text: lines(text), html: lines(html) }
}

/** `pair.notifications.templates.default.subject` → `subject`. */
function inTemplate(problems: readonly FieldProblem[], name: string): readonly FieldProblem[] {
  const prefix = `notifications.templates.${name}.`
  return problems.map((problem) => ({
    ...problem,
    field: problem.field.replace(/^pair\./, '').replace(prefix, ''),
  }))
}

function withoutGroup(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  return problems.map((problem) => ({
    ...problem,
    field: problem.field.replace(/^(pair\.)?notifications\./, ''),
  }))
}
