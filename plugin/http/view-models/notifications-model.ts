import type { Delivery } from '../../api/agent-api.ts'
import type { StatusDocument } from '../../api/status-document.ts'
import type { Contact } from '../../core/settings.ts'
import type { FieldProblem } from '../../errors.ts'
import type { NotificationsAnswer } from '../routes/notifications-page.ts'
import type { Language } from '../i18n/language.ts'
import { fieldView, formError, otherProblems } from './field-view.ts'
import { LEVELS } from './words.ts'

const EMPTY_ROWS = 2
const STATE = {
  waiting: 'warning',
  delivered: 'good',
  failed: 'bad',
  byPeer: 'good',
} as const

/** The notifications page. */
export function notificationsModel(
  status: StatusDocument,
  deliveries: readonly Delivery[],
  answer: NotificationsAnswer,
  language: Language,
): object {
  const { t, moment } = language
  const problems = answer.error?.details.fields ?? []
  const inContacts = answer.errorIn === 'contacts' ? problems : []
  const inTest = answer.errorIn === 'test' ? problems : []
  const contacts = status.settings.pair?.contacts ?? []
  const values = answer.errorIn === 'contacts' ? (answer.sent ?? {}) : formFromContacts(contacts)
  const rows = contactRows(values, contacts.length, inContacts, language)
  const email = { name: 'email', hasHelp: true }
  const error = answer.error === undefined ? null : formError(answer.error)
  return {
    isSetUp: status.settings.pair !== null,
    isReadOnly: status.setUp === 'paired' && status.server.role !== 'active',
    rows,
    contactsError: answer.errorIn === 'contacts' ? error : null,
    otherProblems: otherProblems(inContacts, rows.flatMap(namesOfRow)),
    hasContacts: contacts.length > 0,
    email: fieldView(email, answer.errorIn === 'test' ? (answer.sent ?? {}) : {}, inTest, language),
    testError: answer.errorIn === 'test' ? error : null,
    eventsError: answer.errorIn === 'events' ? error : null,
    templateError: answer.errorIn === 'template' ? error : null,
    channels: ['', 'mail', 'webhook', 'syslog'].map((value) => ({
      value,
      label: t(`channel.${value === '' ? 'all' : value}`),
    })),
    deliveries: deliveries.map((delivery) => ({
      ...delivery,
      at: moment(delivery.at),
      channelName: t(`channel.${delivery.channel}`),
      state: { title: t(`delivery.${delivery.state}`), tone: STATE[delivery.state] },
    })),
  }
}

function contactRows(
  values: Readonly<Record<string, string>>,
  stored: number,
  problems: readonly FieldProblem[],
  language: Language,
) {
  const { t } = language
  const used = Object.keys(values)
    .map((name) => /^contacts\.(\d+)\.(?:name|email)$/.exec(name))
    .filter((match) => match !== null && (values[match[0]] ?? '') !== '')
    .map((match) => Number(match?.[1]))
  const length = Math.min(50, Math.max(stored, ...used.map((row) => row + 1)) + EMPTY_ROWS)
  return Array.from({ length }, (_, row) => {
    const field = (name: string, label: string) =>
      fieldView({ name: `contacts.${row}.${name}`, label }, values, problems, language)
    const levels = problems.find((problem) =>
      problem.field.replace(/^pair\./, '').startsWith(`contacts.${row}.levels`),
    )
    return {
      number: row + 1,
      name: field('name', t('contact.name')),
      email: field('email', t('contact.email')),
      levels: LEVELS.map((level) => field(level, t(`level.${level}`))),
      levelsProblem: levels ?? null,
      levelsName: `contacts.${row}.levels`,
    }
  })
}

function namesOfRow(row: ReturnType<typeof contactRows>[number]): string[] {
  return [row.name.name, row.email.name, row.levelsName]
}

function formFromContacts(contacts: readonly Contact[]): Readonly<Record<string, string>> {
  const values: Record<string, string> = {}
  contacts.forEach((contact, row) => {
    values[`contacts.${row}.name`] = contact.name
    values[`contacts.${row}.email`] = contact.email
    for (const level of contact.levels) values[`contacts.${row}.${level}`] = 'on'
  })
  // A new contact hears of what needs somebody, unless the administrator unticks it.
  for (let row = contacts.length; row < contacts.length + EMPTY_ROWS; row++) {
    values[`contacts.${row}.warning`] = 'on'
    values[`contacts.${row}.alert`] = 'on'
  }
  return values
}
