import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Express, Response } from 'express'
import Handlebars from 'handlebars'

const FOLDER = join(import.meta.dirname, '../views')

/** An indented partial would change what stands in a text area. */
const AS_WRITTEN = { preventIndent: true } as const

/** Express views in Handlebars; `layout.hbs` is a partial with a block, so nothing is ever inserted unescaped. */
export function useHandlebars(app: Express): void {
  const handlebars = Handlebars.create()
  handlebars.registerHelper('same', (a: unknown, b: unknown) => a === b)
  for (const file of readdirSync(join(FOLDER, 'partials')))
    handlebars.registerPartial(basename(file, '.hbs'), read(join('partials', file)))
  const templates = new Map<string, HandlebarsTemplateDelegate>()
  app.engine('hbs', (path, context, done) => {
    const name = basename(path, '.hbs')
    const template = templates.get(name) ?? handlebars.compile(read(`${name}.hbs`), AS_WRITTEN)
    templates.set(name, template)
    done(null, template(context))
  })
  app.set('views', FOLDER)
  app.set('view engine', 'hbs')
}

/** The finished markup of a part that another program made: the hot standby's pages in our layout. */
export function safeMarkup(html: string): Handlebars.SafeString {
  return new Handlebars.SafeString(html)
}

/** Renders a view to a string. */
export function renderToText(response: Response, view: string, context: object): Promise<string> {
  return new Promise((resolve, reject) => {
    response.render(view, context, (error: Error | null, html?: string) => {
      if (error === null) resolve(html ?? '')
      else reject(error)
    })
  })
}

function read(name: string): string {
  return readFileSync(join(FOLDER, name), 'utf8')
}
