import { choiceKey, type ChoiceLists } from './choices.ts'
import type { Field, Input, Problems, Resource, RowList, Value, Values } from './resource.ts'

export interface Checked {
  readonly values: Values
  readonly problems: Problems
}

/** Reads every field of the resource from the input; each wrong one gets its own message. */
export function validate(resource: Resource, input: Input, lists: ChoiceLists): Checked {
  const problems: Record<string, string> = {}
  const read = (fields: readonly Field[], prefix: string): Record<string, Value> =>
    Object.fromEntries(
      fields.map((field) => {
        const text = (input[prefix + field.name] ?? '').trim()
        const message = wrong(field, text, lists)
        if (message !== null) problems[prefix + field.name] = message
        return [field.name, toValue(field, text)]
      }),
    )
  const main = read(resource.fields, '')
  const { detail, rows } = resource
  const values = {
    main,
    detail: detail === undefined ? null : read(detail.fields, `${detail.name}.`),
    rows:
      rows === undefined
        ? null
        : filledRows(rows, input).map((index) => read(rows.fields, `${rows.name}.${index}.`)),
  }
  if (rows !== undefined) refuseRepeated(rows, input, problems)
  return { values, problems }
}

/** Rows of the list in which anything was filled in. */
export function filledRows(rows: RowList, input: Input): number[] {
  const indexes = new Set<number>()
  for (const [name, text] of Object.entries(input)) {
    const match = /^(\w+)\.(\d{1,4})\.\w+$/.exec(name)
    if (match?.[1] === rows.name && text.trim() !== '') indexes.add(Number(match[2]))
  }
  return [...indexes].sort((a, b) => a - b)
}

function refuseRepeated(rows: RowList, input: Input, problems: Record<string, string>): void {
  if (rows.distinct === undefined) return
  const seen = new Set<string>()
  for (const index of filledRows(rows, input)) {
    const name = `${rows.name}.${index}.${rows.distinct}`
    const text = (input[name] ?? '').trim()
    if (seen.has(text)) problems[name] ??= 'This is in the list already.'
    seen.add(text)
  }
}

function wrong(field: Field, text: string, lists: ChoiceLists): string | null {
  if (text === '')
    return field.required === true && field.kind !== 'boolean' ? 'This is required.' : null
  // PostgreSQL has no place for a zero byte in text.
  if (text.includes('\0')) return 'This has a character that cannot be stored.'
  if (field.kind === 'number') return wrongNumber(field, text)
  if (field.kind === 'choice' || field.kind === 'reference' || field.kind === 'destination') {
    const known = lists.get(choiceKey(field))?.some((choice) => choice.value === text) ?? false
    return known ? null : 'Choose one from the list.'
  }
  if (field.longest !== undefined && Array.from(text).length > field.longest)
    return `Write ${field.longest} characters at most.`
  if (field.pattern !== undefined && !field.pattern.test(text))
    return field.patternMessage ?? 'This is not valid.'
  return null
}

function wrongNumber(field: Field, text: string): string | null {
  const number = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  const { smallest = 0, largest = 999_999_999 } = field
  if (number >= smallest && number <= largest) return null
  return `Write a whole number from ${smallest} to ${largest}.`
}

function toValue(field: Field, text: string): Value {
  if (field.kind === 'boolean') return ['on', 'true', '1'].includes(text)
  if (text === '') return null
  return field.kind === 'number' || field.kind === 'reference' ? Number(text) : text
}
