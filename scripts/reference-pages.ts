import type { Command } from 'commander'
import { format } from 'prettier'
import { createProgram } from '../plugin/cli/program.ts'
import { EVENT_KINDS } from '../plugin/core/event-kinds.ts'
import { METRICS } from '../plugin/node-agent/metric-catalogue.ts'
import { ERRORS } from '../plugin/errors.ts'
import { openApiDocument } from './openapi-document.ts'
import { configurationPage } from './configuration-page.ts'

const HEADER = '<!-- Printed by scripts/print-reference.ts; do not edit. -->\n\n'

/** The pages of docs/reference that are printed from the code, by path. */
export async function referencePages(): Promise<Readonly<Record<string, string>>> {
  return {
    'docs/reference/cli.md': await page(cliPage()),
    'docs/reference/errors.md': await page(errorsPage()),
    'docs/reference/events.md': await page(eventsPage()),
    'docs/reference/metrics.md': await page(metricsPage()),
    'docs/reference/configuration.md': await page(configurationPage()),
    'docs/reference/openapi.json': await format(JSON.stringify(openApiDocument()), {
      parser: 'json',
      printWidth: 100,
    }),
  }
}

function page(text: string): Promise<string> {
  return format(HEADER + text, { parser: 'markdown', printWidth: 100 })
}

function cliPage(): string {
  const ignore = (): void => undefined
  const program = createProgram({ out: ignore, err: ignore, clear: ignore }, () => async () => {
    // Only the help is asked for.
  })
  const sections = commandsOf(program).map(
    ({ path, command }) => `## ${path}\n\n\`\`\`\n${command.helpInformation().trim()}\n\`\`\`\n`,
  )
  return `# Command line\n\n${CLI_INTRODUCTION}\n\n${sections.join('\n')}`
}

const CLI_INTRODUCTION = `\`hot-standby\` talks to the agent of this server over its unix socket; only \`migrate\`, \`agent\`, \`doctor\` and \`disable --purge --force\` work
without a running agent. The socket belongs to the user of the agent, so the command runs as this user or as root.

Exit status: **0** done, **1** refused or failed, **2** wrong usage. With status 1 the reason and the remedy are on standard
error; with \`--json\` standard output has the error as \`{ code, message, remedy, details }\` ([errors](errors.md)). The agent
ends with status 0 when it was told to stop, and with 1 when it cannot start.`

function commandsOf(
  command: Command,
  parents = '',
): { readonly path: string; readonly command: Command }[] {
  const path = `${parents}${command.name()}`
  return [{ path, command }, ...command.commands.flatMap((child) => commandsOf(child, `${path} `))]
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, message, remedy }]) => `| \`${code}\` | ${status} | ${message} | ${remedy} |`,
  )
  return `# Errors

Every error has a code that does not change, a message, and a remedy. \`details\` has the reason of this very case and, for wrong
input, every wrong field with its value and remedy. Secrets are never part of an error.

| code | HTTP status | message | remedy |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

function eventsPage(): string {
  const rows = Object.entries(EVENT_KINDS).map(
    ([kind, { level, notify, toldBy, title, meaning, advice }]) =>
      `| \`${kind}\` | ${level} | ${notify ? 'yes' : 'no'} | ${toldBy === 'active' ? 'the active' : 'each its own'} | ${title} | ${meaning} | ${advice} |`,
  )
  return `# Events

What the history can hold (\`hot-standby events\`, the event list of the page).

**Told** ones go to the contacts of their level, unless the administrator chose another level or none. **By**: what both servers see is told by
the active server only; what is about one server is told by that one. How a message travels: [notifications](../guide/notifications.md).

| kind | level | told | by | title | what it means for users | what to do |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

function metricsPage(): string {
  const rows = Object.entries(METRICS).map(
    ([name, { type, labels, help }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  )
  return `# Metrics

For Prometheus: \`GET /metrics\` of the agent's unix socket, and of the router for who has the permission \`view\`. How to scrape them, and what to
alert on: [monitor](../guide/monitor.md). A metric whose value is not known has no sample. Times are in seconds.

| metric | type | labels | what |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
