import { choiceKey, type ChoiceLists } from './choices.ts'
import type { Field, Input, Problems, Resource } from './resource.ts'
import { filledRows } from './validate.ts'

/** A form field as the view needs it. */
export interface FieldView {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'number' | 'checkbox' | 'select' | 'password'
  readonly value: string
  readonly required: boolean
  readonly help: string | undefined
  /** Shown, but not to be changed; `help` says why. */
  readonly frozen: boolean
  readonly problem: string | undefined
  readonly choices: readonly {
    readonly value: string
    readonly label: string
    readonly selected: boolean
  }[]
}

export interface FormView {
  readonly fields: readonly FieldView[]
  readonly detail: { readonly title: string; readonly fields: readonly FieldView[] } | null
  readonly rows: {
    readonly title: string
    readonly lines: readonly (readonly FieldView[])[]
  } | null
}

const EMPTY_LINES = 3

/** The form of a resource, filled with what is stored or with what was sent. */
export function formView(
  resource: Resource,
  input: Input | null,
  lists: ChoiceLists,
  problems: Problems,
  frozen: Problems = {},
): FormView {
  const view = (fields: readonly Field[], prefix: string, inList = false): FieldView[] =>
    fields.map((field) => fieldView(field, prefix, input, lists, problems, frozen, inList))
  const { detail, rows } = resource
  const filled = rows === undefined ? [] : filledRows(rows, input ?? {})
  const lines = filled.length + EMPTY_LINES
  return {
    fields: view(resource.fields, ''),
    detail: detail && { title: detail.title, fields: view(detail.fields, `${detail.name}.`) },
    rows: rows && {
      title: rows.title,
      lines: [...filled, ...freeIndexes(filled, lines - filled.length)].map((index) =>
        view(rows.fields, `${rows.name}.${index}.`, true),
      ),
    },
  } as FormView
}

function freeIndexes(used: readonly number[], count: number): number[] {
  const first = Math.max(-1, ...used) + 1
  return Array.from({ length: count }, (_, offset) => first + offset)
}

function fieldView(
  field: Field,
  prefix: string,
  input: Input | null,
  lists: ChoiceLists,
  problems: Problems,
  frozen: Problems,
  inList: boolean,
): FieldView {
  const name = prefix + field.name
  const value = (input === null ? field.initial : input[name]) ?? ''
  const choices = lists.get(choiceKey(field)) ?? []
  return {
    id: `field-${name.replaceAll('.', '-')}`,
    name,
    label: field.label,
    kind: kindOf(field),
    value: field.kind === 'secret' ? '' : value,
    // A row that stays empty is no row, so the browser must not insist on it.
    required: field.required === true && !inList && field.kind !== 'boolean',
    help:
      frozen[name] ??
      (field.kind === 'secret' ? 'Leave empty to keep it, or to have one made.' : field.help),
    frozen: frozen[name] !== undefined,
    problem: problems[name],
    choices: choices.map((choice) => ({ ...choice, selected: choice.value === value })),
  }
}

function kindOf(field: Field): FieldView['kind'] {
  switch (field.kind) {
    case 'boolean':
      return 'checkbox'
    case 'choice':
    case 'reference':
    case 'destination':
      return 'select'
    case 'number':
      return 'number'
    case 'secret':
      return 'password'
    case 'text':
      return 'text'
  }
}
