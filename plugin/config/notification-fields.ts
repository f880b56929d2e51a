import { z } from 'zod'
import { EVENT_KINDS } from '../core/event-kinds.ts'
import type { MessageTemplate, NotificationSettings } from '../core/settings.ts'
import {
  isTemplateName,
  LONGEST_PART,
  type TemplatePart,
  templateProblem,
} from './message-template.ts'

/** What the administrator sets about notifications; the rules of one template, and how much all may be together. */

const MOST_CHARACTERS = 60_000

const part = (longest: number) =>
  z
    .string('is missing | Give subject, text and html.')
    .max(longest, `is too long | Write ${longest} characters at most.`)

const template = z.strictObject(
  {
    subject: part(LONGEST_PART.subject),
    text: part(LONGEST_PART.text),
    html: part(LONGEST_PART.html),
  },
  'is not a template | Give subject, text and html.',
)

const kinds = z
  .record(
    z.string(),
    z.enum(
      ['information', 'warning', 'alert', 'off'],
      'is not a level | Choose information, warning, alert or off.',
    ),
    'is not an object | Give a level for each kind.',
  )
  .superRefine((levels, context) => {
    for (const kind of Object.keys(levels))
      if (!Object.hasOwn(EVENT_KINDS, kind))
        context.addIssue({
          code: 'custom',
          path: [kind],
          message: 'is not a kind of event | See the list in docs/reference/events.md.',
        })
  })

const templates = z
  .record(z.string(), template, 'is not an object | Give a template for each name.')
  .superRefine((all, context) => {
    for (const [name, parts] of Object.entries(all)) {
      if (!isTemplateName(name)) {
        const message = 'is not a template | Use default, summary, or a kind of event.'
        context.addIssue({ code: 'custom', path: [name], message })
        continue
      }
      for (const [which, source] of Object.entries(parts)) {
        const problem = templateProblem(name, which as TemplatePart, source)
        if (problem === null) continue
        const message = `${problem.message} | ${problem.remedy}`
        context.addIssue({ code: 'custom', path: [name, which], message })
      }
    }
    if (JSON.stringify(all).length > MOST_CHARACTERS)
      context.addIssue({
        code: 'custom',
        message: `are too long together | Write ${MOST_CHARACTERS} characters at most in all templates.`,
      })
  })

/** A whole number, also in the text form of a form. */
const number = (lowest: number, highest: number, what: string) => {
  const message = `is not ${what} | Give a whole number from ${lowest} to ${highest}.`
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
    z.int(message).min(lowest, message).max(highest, message),
  )
}

export const notificationFields = z
  .strictObject(
    {
      kinds: kinds.default({}),
      templates: templates.default({}),
      notProtectedAfterMinutes: number(1, 1440, 'a number of minutes').default(5),
      behindAfterSeconds: number(5, 86_400, 'a number of seconds').default(60),
    },
    'is not an object | Give kinds, templates and times.',
  )
  .optional()

/** What an administrator changes of it; null restores the kind's own level, or the standard template. */
export interface NotificationChanges {
  readonly kinds?: Readonly<Record<string, NotificationSettings['kinds'][string] | null>>
  readonly templates?: Readonly<Record<string, MessageTemplate | null>>
  /** Text of a form counts as a number when it is one. */
  readonly notProtectedAfterMinutes?: number | string
  readonly behindAfterSeconds?: number | string
}

/** The present settings with the changes; whether they are right is checked with all settings. */
export function mergeNotifications(
  present: NotificationSettings,
  { kinds, templates, ...times }: NotificationChanges,
): NotificationSettings {
  return {
    ...present,
    ...(times as Partial<NotificationSettings>),
    kinds: merged(present.kinds, kinds),
    templates: merged(present.templates, templates),
  }
}

function merged<Value>(
  present: Readonly<Record<string, Value>>,
  changes: Readonly<Record<string, Value | null>> = {},
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries({ ...present, ...changes }).filter(
      (entry): entry is [string, Value] => entry[1] !== null,
    ),
  )
}
