import Handlebars from 'handlebars'
import { EVENT_KINDS } from '../core/event-kinds.ts'
import type { MessageTemplate } from '../core/settings.ts'
import { HotStandbyError } from '../errors.ts'

/** What a template may say, with sample values for the preview. */
export const TEMPLATE_VARIABLES = {
  title: { what: 'What happened, in a line', sample: 'Failover done' },
  level: { what: 'Information, Warning or Alert', sample: 'Alert' },
  when: { what: 'When it happened, UTC and local', sample: '2026-03-01 03:12:44 UTC' },
  reason: { what: 'Why it happened', sample: 'no heartbeat for 5000 ms' },
  meaning: {
    what: 'What it means for users',
    sample: 'Telephony works again, on this server: phones register anew by themselves.',
  },
  advice: { what: 'What to do', sample: 'Repair the other server as soon as possible.' },
  actor: { what: 'Who asked for it; empty when nobody did', sample: 'anna' },
  kind: { what: 'Name of the kind', sample: 'failoverDone' },
  eventId: { what: 'Its number in the history', sample: '1234' },
  productName: { what: 'Product', sample: 'Example PBX' },
  hostName: { what: 'Host name of the server', sample: 'pbx-2' },
  serialNumber: { what: 'Serial number of the server', sample: 'SN-2' },
} as const satisfies Record<string, { readonly what: string; readonly sample: string }>

/** Those of the summary of a storm besides. */
export const SUMMARY_VARIABLES = {
  count: { what: 'How many events', sample: '12' },
  subjectOf: { what: 'What they are about', sample: 'the link between the servers' },
  events: {
    what: 'One line for each kind, with its count',
    sample: '6 times: The peer does not answer\n6 times: The peer answers again',
  },
  since: { what: 'When the first happened', sample: '2026-03-01 03:12:44 UTC' },
  until: { what: 'When the last happened', sample: '2026-03-01 03:31:02 UTC' },
} as const satisfies Record<string, { readonly what: string; readonly sample: string }>

export type TemplateValues = Readonly<Record<string, string>>
export type TemplatePart = keyof MessageTemplate

/** Templates by what they are for: `default`, `summary`, or a kind of event. */
export function isTemplateName(name: string): boolean {
  return name === 'default' || name === 'summary' || Object.hasOwn(EVENT_KINDS, name)
}

export function variablesOf(
  name: string,
): Readonly<Record<string, { readonly what: string; readonly sample: string }>> {
  return name === 'summary' ? { ...TEMPLATE_VARIABLES, ...SUMMARY_VARIABLES } : TEMPLATE_VARIABLES
}

export const LONGEST_PART: Readonly<Record<TemplatePart, number>> = {
  subject: 200,
  text: 4000,
  html: 10_000,
}

const REMEDY =
  'Write variables as `{{name}}`, and `{{#if name}} … {{/if}}` or `{{#unless name}}`; nothing else.'

/** What is wrong with one part of a template, and what to do; null when nothing is. */
export function templateProblem(
  name: string,
  part: TemplatePart,
  source: string,
): { readonly message: string; readonly remedy: string } | null {
  if (source.length > LONGEST_PART[part])
    return {
      message: `is too long (${source.length} characters)`,
      remedy: `Write ${LONGEST_PART[part]} characters at most.`,
    }
  if (part === 'subject' && source.trim() === '')
    return { message: 'is empty', remedy: 'Write a subject.' }
  let program: hbs.AST.Program
  try {
    program = Handlebars.parse(source)
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    return { message: `is not a template: ${line}`, remedy: REMEDY }
  }
  const problem = programProblem(program, Object.keys(variablesOf(name)))
  return problem === null
    ? null
    : {
        message: problem,
        remedy: `${REMEDY} Variables: ${Object.keys(variablesOf(name)).join(', ')}.`,
      }
}

/** Renders a part that has been checked. HTML is escaped, the others are plain text. */
export function renderPart(part: TemplatePart, source: string, values: TemplateValues): string {
  const template = renderer.compile(source, {
    noEscape: part !== 'html',
    strict: true,
    knownHelpersOnly: true,
    knownHelpers: { if: true, unless: true },
  })
  // Without a prototype there is nothing to be reached but the values.
  const own = Object.assign(Object.create(null) as Record<string, string>, values)
  return template(own, { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false })
}

/** A template with sample data. Errors: HS_SETTINGS_INVALID naming each part that is wrong. */
export function previewTemplate(name: string, template: MessageTemplate): MessageTemplate {
  const fields = PARTS.flatMap((part) => {
    const problem = templateProblem(name, part, template[part])
    if (problem === null) return []
    return [
      {
        field: part,
        value: JSON.stringify(template[part].slice(0, 100)),
        ...problem,
      },
    ]
  })
  if (fields.length > 0) throw new HotStandbyError('HS_SETTINGS_INVALID', { fields })
  const values = Object.fromEntries(
    Object.entries(variablesOf(name)).map(([variable, { sample }]) => [variable, sample]),
  )
  const [subject = '', text = '', html = ''] = PARTS.map((part) =>
    renderPart(part, template[part], values),
  )
  return { subject, text, html }
}

const PARTS = ['subject', 'text', 'html'] as const

/** An environment of its own: no helper of a page is in reach, and those that reach into objects are gone. */
const renderer = Handlebars.create()
for (const helper of ['lookup', 'log', 'each', 'with']) renderer.unregisterHelper(helper)

/** The tree is walked by a list of what is allowed, so that what nobody thought of is refused. */
function programProblem(program: hbs.AST.Program, variables: readonly string[]): string | null {
  if ((program.blockParams ?? []).length > 0) return 'has block parameters'
  for (const statement of program.body) {
    const problem = statementProblem(statement, variables)
    if (problem !== null) return problem
  }
  return null
}

function statementProblem(
  statement: hbs.AST.Statement,
  variables: readonly string[],
): string | null {
  switch (statement.type) {
    case 'ContentStatement':
    case 'CommentStatement':
      return null
    case 'MustacheStatement': {
      const { path, params, hash, escaped } = statement as hbs.AST.MustacheStatement
      if (!escaped) return 'has `{{{` or `{{&`, which would not be escaped'
      if (params.length > 0 || hash !== undefined) return `calls a helper: ${nameOf(path)}`
      return variableProblem(path, variables)
    }
    case 'BlockStatement': {
      const block = statement as hbs.AST.BlockStatement
      const [tested, ...more] = block.params
      const helper = nameOf(block.path)
      if ((helper !== 'if' && helper !== 'unless') || tested === undefined)
        return `has a block that is not known: ${helper}`
      if (more.length > 0 || block.hash !== undefined)
        return `gives ${helper} more than one variable`
      return (
        variableProblem(tested, variables) ??
        programProblem(block.program, variables) ??
        // The parser leaves it out when there is no else.
        programProblem(block.inverse ?? EMPTY, variables)
      )
    }
    default:
      return `has something that is not allowed: ${statement.type}`
  }
}

const EMPTY = { body: [], blockParams: [] } as unknown as hbs.AST.Program

function variableProblem(path: hbs.AST.Expression, variables: readonly string[]): string | null {
  const { type, data, depth, parts, original } = path as hbs.AST.PathExpression
  const name = nameOf(path)
  const isPlain =
    type === 'PathExpression' && !data && depth === 0 && parts.length === 1 && parts[0] === original
  return isPlain && variables.includes(name) ? null : `has an unknown variable: ${name}`
}

function nameOf(path: unknown): string {
  const { original } = path as { readonly original?: unknown }
  return typeof original === 'string' ? original : JSON.stringify(original ?? 'an expression')
}
