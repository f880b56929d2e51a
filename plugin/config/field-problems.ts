import type { z } from 'zod'
import type { FieldProblem } from '../errors.ts'

const SECRET_FIELD = /password|secret|accessCode|url$/i
const LONGEST_VALUE = 80

/** Every wrong field of a zod error, with the value that was given; secrets are left out. */
export function toFieldProblems(error: z.ZodError, input: unknown): FieldProblem[] {
  return error.issues.flatMap((issue) => {
    const paths =
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => [...issue.path, key])
        : [issue.path]
    return paths.map((path) => ({
      field: path.length === 0 ? '(all)' : path.map(String).join('.'),
      value: shownValue(path.map(String), input),
      message:
        issue.code === 'unrecognized_keys'
          ? 'there is no such field'
          : withoutRemedy(issue.message),
      remedy:
        issue.code === 'unrecognized_keys'
          ? 'Remove it, or correct its name.'
          : remedyOf(issue.message),
    }))
  })
}

/** Messages of our schemas are written `what is wrong | what to do`. */
function withoutRemedy(message: string): string {
  return message.split(' | ')[0] ?? message
}

function remedyOf(message: string): string {
  return message.split(' | ')[1] ?? 'Give a value of the documented form.'
}

function shownValue(path: readonly string[], input: unknown): string {
  if (path.some((part) => SECRET_FIELD.test(part))) return '(not shown)'
  const value = path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined,
    input,
  )
  if (value === undefined) return '(missing)'
  // A function has no text of its own; the plugin's options have such fields.
  const text = typeof value === 'function' ? '(a function)' : JSON.stringify(value)
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}
