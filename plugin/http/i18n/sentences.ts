import type { Messages } from './catalogue.ts'

/** Translates what the agent says; null when the language has no words for it. */
export type Say = (sentence: string) => string | null

interface Pattern {
  readonly test: RegExp
  readonly names: readonly string[]
  readonly translation: string
}

const PLACEHOLDER = /\{(\w+)\}/g
/** Hostile text of the other server must not keep the regular expressions busy. */
const LONGEST_SENTENCE = 2000
const DEEPEST = 3

/**
 * The agent speaks English, in its log, its history and its API. A page shows its sentences in the language of the
 * reader where the catalogue has them: whole, or as a pattern such as `no heartbeat for {ms} ms` whose values are
 * put in again (a value that is a sentence itself is translated, too).
 */
export function createSay(sentences: Messages): Say {
  const whole = new Map(Object.entries(sentences).filter(([source]) => !source.includes('{')))
  // The longest first: what says more about a sentence goes before what says less.
  const patterns = Object.entries(sentences)
    .filter(([source]) => source.includes('{'))
    .sort(([a], [b]) => literalLength(b) - literalLength(a))
    .map(([source, translation]) => toPattern(source, translation))
  const say = (sentence: string, depth: number): string | null => {
    const known = whole.get(sentence)
    if (known !== undefined) return known
    if (depth > DEEPEST || sentence.length > LONGEST_SENTENCE) return null
    for (const { test, names, translation } of patterns) {
      const match = test.exec(sentence)
      if (match === null) continue
      const values = new Map(names.map((name, index) => [name, match[index + 1] ?? '']))
      return translation.replaceAll(PLACEHOLDER, (_, name: string) => {
        const value = values.get(name) ?? ''
        return say(value, depth + 1) ?? value
      })
    }
    return null
  }
  return (sentence) => say(sentence, 0)
}

function literalLength(source: string): number {
  return source.replaceAll(PLACEHOLDER, '').length
}

function toPattern(source: string, translation: string): Pattern {
  const names = [...source.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')
  const parts = source.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return { test: new RegExp(`^${parts.join('([\\s\\S]+?)')}$`), names, translation }
}
