import type { RequirementResult } from '../../core/requirements.ts'

/** The requirement checks with what to do about each one that is not met; those come first. */
export function requirementsModel(requirements: readonly RequirementResult[]): object {
  const lines = requirements.map((requirement) => ({
    ...requirement,
    result: requirement.met
      ? { title: 'met', tone: 'good' }
      : requirement.mandatory
        ? { title: 'not met', tone: 'bad' }
        : { title: 'warning', tone: 'warning' },
  }))
  const failed = lines.filter((line) => !line.met)
  return {
    lines: [...failed, ...lines.filter((line) => line.met)],
    any: lines.length > 0,
    allMet: failed.length === 0,
    failed: failed.length,
    refuses: failed.some((line) => line.mandatory),
  }
}
