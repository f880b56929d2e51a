import type { HistoryEntry } from '../api/status-document.ts'
import type { EventLevel } from '../core/settings.ts'

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

const LEVEL_WORDS: Readonly<Record<EventLevel, string>> = {
  information: 'Information',
  warning: 'Warning',
  alert: 'Alert',
}

/** The mail on one event: what happened, when, why, what to do, on which PBX. */
export function eventMail(entry: HistoryEntry, server: MailServer): MailText {
  return mail({
    subject: `[${server.hostName}] ${LEVEL_WORDS[entry.level]}: ${entry.title}`,
    heading: entry.title,
    lines: [
      ['Level', LEVEL_WORDS[entry.level]],
      ['When', whenText(entry.at)],
      ['Why', entry.reason === '' ? 'No reason was given.' : entry.reason],
      ...actorLine(entry),
      ['What it means for users', entry.meaning],
      ['What to do', entry.advice],
      ...serverLines(server),
      ['Event', `${entry.kind}, number ${entry.id} in the history of ${entry.hostName}`],
    ],
  })
}

/** The mail by which an administrator tests the settings. */
export function testMail(server: MailServer, at: Date): MailText {
  return mail({
    subject: `[${server.hostName}] Hot standby test mail`,
    heading: 'Hot standby test mail',
    lines: [
      ['When', whenText(at.toISOString())],
      ['Why', 'An administrator asked for it.'],
      ['What it means, and what to do', 'Event mails of this server reach you. Nothing to do.'],
      ...serverLines(server),
    ],
  })
}

type Line = readonly [label: string, value: string]

function serverLines(server: MailServer): readonly Line[] {
  return [
    ['PBX', server.productName],
    ['Host name', server.hostName],
    ['Serial number', server.serialNumber],
  ]
}

function actorLine(entry: HistoryEntry): readonly Line[] {
  return entry.actor === null ? [] : [['Asked for by', entry.actor]]
}

/** UTC first, since the pair and its administrators may be in different zones; then the server's own time. */
function whenText(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  const local = date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'long' })
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC (${local})`
}

function mail(parts: {
  readonly subject: string
  readonly heading: string
  readonly lines: readonly Line[]
}): MailText {
  const heading = oneLine(parts.heading)
  const text = parts.lines.map(([label, value]) => `${label}: ${printable(value)}`)
  const rows = parts.lines.map(
    ([label, value]) =>
      `<tr><th align="left" valign="top">${escapeHtml(label)}</th><td>${escapeHtml(printable(value))}</td></tr>`,
  )
  return {
    subject: oneLine(parts.subject).slice(0, 200),
    text: `${heading}\n\n${text.join('\n')}\n`,
    html: `<!doctype html><html><body><h1>${escapeHtml(heading)}</h1><table cellpadding="4">${rows.join('')}</table></body></html>`,
  }
}

/** For headers: nothing in it can end the line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/gu, ' ').trim()
}

/** Without control characters, which have no business in a mail but to deceive. */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, ' ')
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replaceAll('\n', '<br>')
}
