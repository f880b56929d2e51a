import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IntlMessageFormat } from 'intl-messageformat'

/** The languages that are complete; the first is what everybody gets who asks for another. */
export const LANGUAGES = ['en', 'de'] as const
export type LanguageTag = (typeof LANGUAGES)[number]

export type MessageValues = Readonly<Record<string, unknown>>
export type Messages = Readonly<Record<string, string>>

const LOCALES = join(import.meta.dirname, '../locales')

/** The words of the pages in one language, by key, in ICU MessageFormat. */
export function readMessages(language: LanguageTag): Messages {
  return readJson(`${language}.json`)
}

/** What the agent says in English → the same in this language; English needs none. */
export function readSentences(language: LanguageTag): Messages {
  return language === 'en' ? {} : readJson(`${language}.agent.json`)
}

/** Fills in a message of the catalogue. A key that is missing shows itself: a page must not fail for a word. */
export type Translate = (key: string, values?: MessageValues) => string

/** Messages are parsed when they are first shown; `locale` decides plural forms and numbers. */
export function createTranslate(messages: Messages, locale: string): Translate {
  const parsed = new Map<string, IntlMessageFormat>()
  return (key, values) => {
    const message = messages[key]
    if (message === undefined) return key
    const format =
      parsed.get(key) ?? new IntlMessageFormat(message, locale, undefined, { ignoreTag: true })
    parsed.set(key, format)
    return String(format.format(values as Record<string, string>))
  }
}

function readJson(name: string): Messages {
  return JSON.parse(readFileSync(join(LOCALES, name), 'utf8')) as Messages
}
