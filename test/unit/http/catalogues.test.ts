import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IntlMessageFormat } from 'intl-messageformat'
import ts from 'typescript'
import { LANGUAGES, readMessages } from '../../../plugin/http/i18n/catalogue.ts'

const ROOT = join(import.meta.dirname, '../../..')
const english = readMessages('en')

/** Words that stand in a view on purpose. */
const NOT_WORDS = /&nbsp;|…/g

const views = listFiles('views', '.hbs')
const sources = [...listFiles('plugin/http', '.ts'), 'plugin/create-hot-standby.ts']

describe('the catalogues of the pages', () => {
  for (const language of LANGUAGES.filter((each) => each !== 'en')) {
    const messages = readMessages(language)

    it(`has the same keys in ${language} as in English`, () => {
      assert.deepEqual(Object.keys(messages).sort(), Object.keys(english).sort())
    })

    it(`fills in the same values in ${language} as in English`, () => {
      const different = Object.keys(english).filter(
        (key) => valuesOf(english[key] ?? '', 'en') !== valuesOf(messages[key] ?? '', language),
      )
      assert.deepEqual(different, [])
    })

    it(`leaves no sentence in English in ${language}`, () => {
      const same = Object.keys(english).filter(
        (key) => english[key] === messages[key] && /[a-z]+ [a-z]+ /i.test(english[key] ?? ''),
      )
      assert.deepEqual(same, [])
    })
  }

  it('have every key that a view or a program names', () => {
    const missing = usedKeys().literal.filter((key) => english[key] === undefined)
    assert.deepEqual(missing, [])
    const empty = usedKeys().patterns.filter(
      (pattern) => !Object.keys(english).some((key) => pattern.test(key)),
    )
    assert.deepEqual(empty, [])
  })

  it('have no key that nobody names', () => {
    const { literal, patterns } = usedKeys()
    const unused = Object.keys(english).filter(
      (key) => !literal.includes(key) && !patterns.some((pattern) => pattern.test(key)),
    )
    assert.deepEqual(unused, [])
  })

  it('hold all words of the views', () => {
    assert.ok(views.length > 20)
    const found = views.flatMap((path) => wordsOf(read(path)).map((word) => `${path}: ${word}`))
    assert.deepEqual(found, [])
  })

  it('would be missed by a view with words of its own', () => {
    assert.deepEqual(wordsOf('<p class="hs">Hello</p>'), ['Hello'])
    assert.deepEqual(wordsOf('<p aria-label="Hello {{name}}">{{t "x" a="b c"}}</p>'), ['Hello'])
    assert.deepEqual(wordsOf('<p aria-label="{{t "a.b"}}">{{#if (x y)}}{{n}}{{/if}}</p>'), [])
  })

  it('hold all sentences of the view models', () => {
    const found = listFiles('plugin/http/view-models', '.ts').flatMap((path) =>
      sentencesOf(path).map((text) => `${path}: ${text}`),
    )
    assert.deepEqual(found, [])
  })
})

/** The keys that stand as they are, and those that are put together: `t(`health.${word}`)`. */
function usedKeys(): { readonly literal: readonly string[]; readonly patterns: readonly RegExp[] } {
  const inViews = views.flatMap((path) =>
    [...read(path).matchAll(/(?:\b(?:t|marked) |\bkey=)"([\w.-]+)"/g)].map(
      (match) => match[1] ?? '',
    ),
  )
  const texts = sources.map(read)
  const inSources = texts.flatMap((text) =>
    [...text.matchAll(/\bt\(\s*'([\w.-]+)'/g)].map((match) => match[1] ?? ''),
  )
  const patterns = texts.flatMap((text) =>
    [...text.matchAll(/\bt\(\s*`([^`]+)`/g)].map(
      (match) =>
        new RegExp(
          `^${(match[1] ?? '')
            .split(/\$\{[^}]*\}/)
            .map(escaped)
            .join('[\\w.-]+')}$`,
        ),
    ),
  )
  return { literal: [...inViews, ...inSources], patterns }
}

/** Text of a view that is neither markup nor filled in; of attributes those that people are told. */
function wordsOf(view: string): string[] {
  const filledIn = view.replace(/\{\{.*?\}\}/gs, '').replace(NOT_WORDS, '')
  const told = [...filledIn.matchAll(/\b(?:aria-label|title|alt|placeholder)="([^"]*)"/g)]
  const text = filledIn.replace(/<(?:"[^"]*"|[^>"])*>/g, ' ')
  return [text, ...told.map((match) => match[1] ?? '')].flatMap(
    (each) => each.match(/\p{Letter}{2,}/gu) ?? [],
  )
}

/** Literals with a space between two words. */
function sentencesOf(path: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && /\p{Letter} \p{Letter}/u.test(node.text))
      found.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest))
  return found
}

function valuesOf(message: string, locale: string): string {
  const names = new Set<string>()
  const visit = (elements: readonly unknown[]): void => {
    for (const element of elements) {
      const { value, type, options, children } = element as {
        readonly value?: unknown
        readonly type: number
        readonly options?: Readonly<Record<string, { readonly value: readonly unknown[] }>>
        readonly children?: readonly unknown[]
      }
      // Type 0 is text and 7 the number of a plural.
      if (type !== 0 && type !== 7 && typeof value === 'string') names.add(value)
      for (const option of Object.values(options ?? {})) visit(option.value)
      visit(children ?? [])
    }
  }
  visit(new IntlMessageFormat(message, locale, undefined, { ignoreTag: true }).getAst())
  return [...names].sort().join(' ')
}

function listFiles(folder: string, extension: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(extension))
    .map((path) => join(folder, path))
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
