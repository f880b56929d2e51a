import { ERRORS, type HotStandbyError } from '../errors.ts'

/** An error for a human: what is wrong, every wrong field on a line of its own, and what to do. */
export function errorLines(error: HotStandbyError): string[] {
  const { reason, fields } = error.details
  const message = ERRORS[error.code].message
  const head = reason === undefined ? message : `${message}: ${reason}`
  const problems = (fields ?? []).flatMap((problem) => [
    `  ${problem.field} = ${problem.value} ${problem.message}`,
    `    ${problem.remedy}`,
  ])
  return [`${head} (${error.code})`, ...problems, `Remedy: ${error.remedy}`]
}
