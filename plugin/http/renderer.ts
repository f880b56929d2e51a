import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import Handlebars from 'handlebars'
import type { Language } from './i18n/language.ts'

/** In the source tree and in `dist/` the views lie two folders above. */
const VIEWS = join(import.meta.dirname, '../../views')

/** An indented partial would change what stands in a text area. */
const AS_WRITTEN = { preventIndent: true } as const

/** Renders a view to markup; every value is escaped. */
export type Render = (view: string, context: object) => string

/** Reads and compiles all views once; a view that does not compile fails here and not at night. */
export function createRenderer(): Render {
  const handlebars = Handlebars.create()
  handlebars.registerHelper('words', words)
  handlebars.registerHelper('t', (key: string, { data, hash }: Handlebars.HelperOptions) =>
    languageOf(data).t(key, hash as Readonly<Record<string, unknown>>),
  )
  handlebars.registerHelper('marks', (text: string) => new Handlebars.SafeString(marked(text)))
  handlebars.registerHelper('marked', (key: string, { data, hash }: Handlebars.HelperOptions) => {
    const text = languageOf(data).t(key, hash as Readonly<Record<string, unknown>>)
    return new Handlebars.SafeString(marked(text))
  })
  const templates = new Map<string, HandlebarsTemplateDelegate>()
  const partials = join(VIEWS, 'partials')
  for (const file of listViews(partials))
    // Without the file's last line break, which would be a space before a comma that follows.
    handlebars.registerPartial(
      basename(file, '.hbs'),
      readFileSync(join(partials, file), 'utf8').trimEnd(),
    )
  for (const file of listViews(VIEWS))
    templates.set(
      basename(file, '.hbs'),
      handlebars.compile(readFileSync(join(VIEWS, file), 'utf8'), AS_WRITTEN),
    )
  return (view, context) => {
    const template = templates.get(view)
    if (template === undefined) throw new Error(`There is no view ${view}.`)
    return template(context)
  }
}

/** Marks what one of our own views has rendered, so that another one takes it as it is. */
export function rendered(html: string): Handlebars.SafeString {
  return new Handlebars.SafeString(html)
}

/** What the agent says, in the reader's language; what it has only in English is marked as English. */
function words(text: unknown, { data }: Handlebars.HelperOptions): Handlebars.SafeString {
  const { tag, translated } = languageOf(data)
  const sentence = typeof text === 'string' ? text : ''
  const translation = translated(sentence)
  if (translation !== null || tag === 'en' || sentence === '')
    return new Handlebars.SafeString(marked(translation ?? sentence))
  return new Handlebars.SafeString(`<span lang="en">${marked(sentence)}</span>`)
}

/** Our sentences put commands between backticks and what matters between double stars; all is escaped first. */
function marked(text: string): string {
  const escaped = Handlebars.escapeExpression(text.replaceAll('`', '\u0000'))
  return escaped
    .replace(/\0([^\0]*)\0/g, '<code>$1</code>')
    .replaceAll('\0', '&#x60;')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
}

function languageOf(data: unknown): Language {
  return (data as { readonly root: { readonly language: Language } }).root.language
}

function listViews(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.endsWith('.hbs'))
}
