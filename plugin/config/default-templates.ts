import type { MessageTemplate } from '../core/settings.ts'

const CELL = 'style="white-space:pre-line;vertical-align:top"'

function htmlOf(
  rows: readonly (readonly [label: string, value: string, onlyIf?: string])[],
): string {
  const lines = rows.map(([label, value, onlyIf]) => {
    const row = `<tr><th align="left" valign="top">${label}</th><td ${CELL}>${value}</td></tr>`
    return onlyIf === undefined ? row : `{{#if ${onlyIf}}}${row}{{/if}}`
  })
  return `<!doctype html><html><body><h1>{{title}}</h1><table cellpadding="4">${lines.join('')}</table></body></html>`
}

/** What an event says unless the administrator wrote something else. */
export const DEFAULT_TEMPLATE: MessageTemplate = {
  subject: '[{{hostName}}] {{level}}: {{title}}',
  text: `{{title}}

Level: {{level}}
When: {{when}}
Why: {{#if reason}}{{reason}}{{else}}No reason was given.{{/if}}
{{#if actor}}Asked for by: {{actor}}
{{/if}}What it means for users: {{meaning}}
What to do: {{advice}}

PBX: {{productName}}
Host name: {{hostName}}
Serial number: {{serialNumber}}
Event: {{kind}}, number {{eventId}} in the history of {{hostName}}
`,
  html: htmlOf([
    ['Level', '{{level}}'],
    ['When', '{{when}}'],
    ['Why', '{{#if reason}}{{reason}}{{else}}No reason was given.{{/if}}'],
    ['Asked for by', '{{actor}}', 'actor'],
    ['What it means for users', '{{meaning}}'],
    ['What to do', '{{advice}}'],
    ['PBX', '{{productName}}'],
    ['Host name', '{{hostName}}'],
    ['Serial number', '{{serialNumber}}'],
    ['Event', '{{kind}}, number {{eventId}} in the history of {{hostName}}'],
  ]),
}

/** One message in place of many. */
export const SUMMARY_TEMPLATE: MessageTemplate = {
  subject: '[{{hostName}}] {{level}}: {{count}} events about {{subjectOf}}',
  text: `{{count}} events about {{subjectOf}}

{{events}}

From: {{since}}
To: {{until}}
Last: {{title}}{{#if reason}}: {{reason}}{{/if}}
What it means for users: {{meaning}}
What to do: {{advice}}

They came so fast that they are told in one message; each is in the history.

PBX: {{productName}}
Host name: {{hostName}}
Serial number: {{serialNumber}}
`,
  html: htmlOf([
    ['Events', '{{count}} about {{subjectOf}}'],
    ['Each', '{{events}}'],
    ['From', '{{since}}'],
    ['To', '{{until}}'],
    ['Last', '{{title}}{{#if reason}}: {{reason}}{{/if}}'],
    ['What it means for users', '{{meaning}}'],
    ['What to do', '{{advice}}'],
    ['PBX', '{{productName}}'],
    ['Host name', '{{hostName}}'],
    ['Serial number', '{{serialNumber}}'],
  ]),
}
