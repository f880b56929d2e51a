import type { HistoryEntry } from '../api/status-document.ts'
import { renderPart, templateProblem, type TemplateValues } from '../config/message-template.ts'
import type { EventLevel, MessageTemplate } from '../core/settings.ts'
import { DEFAULT_TEMPLATE, SUMMARY_TEMPLATE } from '../config/default-templates.ts'
import type { HeldGroup } from './held-events.ts'

/** Which PBX a mail speaks of. */
export interface MailServer {
  readonly productName: string
  readonly hostName: string
  readonly serialNumber: string
}

export interface MailText {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** The administrator's templates, by kind, `default` or `summary`. */
export type Templates = Readonly<Record<string, MessageTemplate>>

const LONGEST_SUBJECT = 200
/** A template can repeat a long reason; so much is more than anybody reads. */
const LONGEST_MAIL = 100_000

const LEVEL_WORDS: Readonly<Record<EventLevel, string>> = {
  information: 'Information',
  warning: 'Warning',
  alert: 'Alert',
}

/** The mail on one event: what happened, when, why, what it means, what to do, on which PBX. */
export function eventMail(
  entry: HistoryEntry,
  server: MailServer,
  options: { readonly level?: EventLevel; readonly templates?: Templates } = {},
): MailText {
  const { templates = {}, level = entry.level } = options
  const values = eventValues(entry, server, level)
  const written = own(templates, entry.kind) ?? own(templates, 'default')
  return mail(entry.kind, written, DEFAULT_TEMPLATE, values)
}

/** One mail in place of many; `last` is the newest of the events. */
export function summaryMail(
  group: HeldGroup,
  last: HistoryEntry,
  server: MailServer,
  options: {
    readonly level: EventLevel
    readonly templates?: Templates
    readonly titleOf: (kind: string) => string
  },
): MailText {
  const count = group.events.reduce((sum, event) => sum + event.count, 0)
  const lines = group.events.map(
    (event) =>
      `${event.count === 1 ? 'once' : `${event.count} times`}: ${options.titleOf(event.kind)}`,
  )
  const values = {
    ...eventValues(last, server, options.level),
    count: String(count),
    subjectOf: group.group,
    events: lines.join('\n'),
    since: whenText(new Date(group.sinceMs).toISOString()),
    until: whenText(new Date(group.lastMs).toISOString()),
  }
  return mail('summary', own(options.templates ?? {}, 'summary'), SUMMARY_TEMPLATE, values)
}

/** The mail by which an administrator tests the settings. */
export function testMail(server: MailServer, at: Date): MailText {
  return mail('default', undefined, DEFAULT_TEMPLATE, {
    ...serverValues(server),
    title: 'Hot standby test mail',
    level: 'Test',
    when: whenText(at.toISOString()),
    reason: 'An administrator asked for it.',
    meaning: 'Nothing happened: event mails of this server reach you.',
    advice: 'Nothing to do.',
    actor: '',
    kind: 'test',
    eventId: '0',
  })
}

function eventValues(entry: HistoryEntry, server: MailServer, level: EventLevel): TemplateValues {
  return {
    ...serverValues(server),
    title: oneLine(entry.title),
    level: LEVEL_WORDS[level],
    when: whenText(entry.at),
    reason: printable(entry.reason),
    meaning: printable(entry.meaning),
    advice: printable(entry.advice),
    actor: oneLine(entry.actor ?? ''),
    kind: oneLine(entry.kind),
    eventId: String(entry.id),
  }
}

function serverValues(server: MailServer): TemplateValues {
  return {
    productName: oneLine(server.productName),
    hostName: oneLine(server.hostName),
    serialNumber: oneLine(server.serialNumber),
  }
}

/** Templates come through the settings, which check them; what came another way must not cost the message. */
function mail(
  name: string,
  written: MessageTemplate | undefined,
  standard: MessageTemplate,
  values: TemplateValues,
): MailText {
  if (written !== undefined && isSound(name, written)) {
    try {
      const text = rendered(written, values)
      if (text.text.length + text.html.length <= LONGEST_MAIL) return text
    } catch {
      // The standard one below says all that matters.
    }
  }
  return rendered(standard, values)
}

function isSound(name: string, template: MessageTemplate): boolean {
  return (['subject', 'text', 'html'] as const).every(
    (part) => templateProblem(name, part, template[part]) === null,
  )
}

function rendered(template: MessageTemplate, values: TemplateValues): MailText {
  return {
    subject: oneLine(renderPart('subject', template.subject, values)).slice(0, LONGEST_SUBJECT),
    text: printable(renderPart('text', template.text, values)),
    html: renderPart('html', template.html, values),
  }
}

function own(templates: Templates, name: string): MessageTemplate | undefined {
  return Object.hasOwn(templates, name) ? templates[name] : undefined
}

/** UTC first, since the pair and its administrators may be in different zones; then the server's own time. */
export function whenText(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return oneLine(at)
  const local = date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'long' })
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC (${local})`
}

/** For headers: nothing in it can end the line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/gu, ' ').trim()
}

/** Without control characters, which have no business in a mail but to deceive. */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, ' ')
}
