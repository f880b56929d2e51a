import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import Handlebars from 'handlebars'

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

/** Our sentences put commands between backticks; everything is escaped all the same. */
function words(text: unknown): Handlebars.SafeString {
  const parts = typeof text === 'string' ? text.split('`') : []
  const isPaired = parts.length % 2 === 1
  const html = parts.map((part, index) => {
    const escaped = Handlebars.escapeExpression(part)
    return isPaired && index % 2 === 1 ? `<code>${escaped}</code>` : escaped
  })
  return new Handlebars.SafeString(html.join(isPaired ? '' : '&#x60;'))
}

function listViews(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.endsWith('.hbs'))
}
