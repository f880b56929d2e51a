import { ERRORS, type FieldProblem, type HotStandbyError } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'

/** One field of a form, with what is wrong with it beside it. */
export interface FieldView {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly value: string
  readonly help: string | null
  readonly problem: { readonly message: string; readonly remedy: string } | null
  readonly isChecked: boolean
  readonly choices: readonly {
    readonly value: string
    readonly label: string
    readonly isSelected: boolean
  }[]
}

export interface FieldDefinition {
  readonly name: string
  /** Else the catalogue's `field.<name>.label`. */
  readonly label?: string
  /** The catalogue has a `field.<name>.help`. */
  readonly hasHelp?: boolean
  /** A help that says more than the catalogue's. */
  readonly help?: string
  readonly choices?: readonly string[]
}

/** Puts values and problems to the definitions. A problem may name the field with or without its first level. */
export function fieldView(
  definition: FieldDefinition,
  values: Readonly<Record<string, string>>,
  problems: readonly FieldProblem[],
  { t }: Language,
): FieldView {
  const { name } = definition
  const value = values[name] ?? ''
  const problem = problems.find((each) => names(each.field, name))
  return {
    id: `hs-${name.replaceAll('.', '-')}`,
    name,
    label: definition.label ?? t(`field.${name}.label`),
    value,
    help: definition.help ?? (definition.hasHelp === true ? t(`field.${name}.help`) : null),
    problem: problem === undefined ? null : { message: problem.message, remedy: problem.remedy },
    isChecked: value === 'on',
    choices: (definition.choices ?? []).map((choice) => ({
      value: choice,
      label: t(`field.${name}.${choice}`),
      isSelected: choice === value,
    })),
  }
}

/** Problems that stand beside none of these fields, for the head of the form. */
export function otherProblems(
  problems: readonly FieldProblem[],
  names_: readonly string[],
): readonly FieldProblem[] {
  return problems.filter((problem) => !names_.some((name) => names(problem.field, name)))
}

/** The head of a form whose fields are wrong or that was refused as a whole. */
export function formError(error: HotStandbyError): object {
  return {
    heading: ERRORS[error.code].message,
    reason: error.details.reason ?? null,
    remedy: error.remedy,
  }
}

function names(field: string, name: string): boolean {
  const [given, wanted] = [withoutGroup(field), withoutGroup(name)]
  // A wrong second address of a list belongs to the list's one field.
  return given === wanted || given.startsWith(`${wanted}.`)
}

function withoutGroup(name: string): string {
  return name.replace(/^(server|pair)\./, '')
}
