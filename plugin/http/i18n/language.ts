import {
  createTranslate,
  LANGUAGES,
  type LanguageTag,
  type Messages,
  readMessages,
  readSentences,
  type Translate,
} from './catalogue.ts'
import { createFormats, type Formats } from './formats.ts'
import { createSay } from './sentences.ts'

/** Everything that a page needs to speak to its reader. */
export interface Language extends Formats {
  /** The words' language, for `lang`. */
  readonly tag: LanguageTag
  /** In which times are shown and read. */
  readonly timeZone: string
  /** A message of the catalogue. */
  readonly t: Translate
  /** What the agent says, in this language; null when the catalogue does not have it. */
  readonly translated: (sentence: string) => string | null
  /** The same, in English when the catalogue does not have it. */
  readonly say: (sentence: string) => string
}

/** Gives the language for a locale such as `de-AT`; words of another language than ours are English. */
export type Languages = (locale: string, timeZone: string) => Language

/** A platform may pass on whatever a browser sends, so only so many are kept. */
const KEPT = 50
/** Where English is asked for without a country, dates stand as most of the world reads them. */
const PLAIN_ENGLISH = 'en-GB'

/** Reads the catalogues once. */
export function createLanguages(): Languages {
  const catalogues = new Map(
    LANGUAGES.map((tag) => [tag, { messages: readMessages(tag), say: sayOf(tag) }]),
  )
  const kept = new Map<string, Language>()
  return (wanted, timeZone) => {
    const { locale, tag } = resolve(wanted)
    const zone = isTimeZone(timeZone) ? timeZone : 'UTC'
    const key = `${locale} ${zone}`
    const known = kept.get(key)
    if (known !== undefined) return known
    if (kept.size >= KEPT) kept.clear()
    const { messages, say } = catalogues.get(tag) ?? { messages: {}, say: () => null }
    const language = createLanguage(tag, locale, zone, messages, say)
    kept.set(key, language)
    return language
  }
}

function createLanguage(
  tag: LanguageTag,
  locale: string,
  timeZone: string,
  messages: Messages,
  translated: (sentence: string) => string | null,
): Language {
  const t = createTranslate(messages, locale)
  const say = (sentence: string): string => translated(sentence) ?? sentence
  return { tag, timeZone, t, translated, say, ...createFormats(locale, timeZone, t) }
}

/** English is what the agent speaks already. */
function sayOf(tag: LanguageTag): (sentence: string) => string | null {
  if (tag === 'en') return (sentence) => sentence
  return createSay(readSentences(tag))
}

function resolve(wanted: string): { readonly locale: string; readonly tag: LanguageTag } {
  const locale = canonical(wanted)
  const tag = LANGUAGES.find((each) => locale === each || locale?.startsWith(`${each}-`))
  if (tag === undefined || locale === undefined) return { locale: PLAIN_ENGLISH, tag: 'en' }
  return { locale: locale === 'en' ? PLAIN_ENGLISH : locale, tag }
}

function canonical(wanted: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(wanted)[0]
  } catch {
    return undefined
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
