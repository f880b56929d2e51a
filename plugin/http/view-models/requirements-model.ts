import type { RequirementResult } from '../../core/requirements.ts'
import type { Language } from '../i18n/language.ts'

/** The requirement checks with what to do about each one that is not met; those come first. */
export function requirementsModel(
  requirements: readonly RequirementResult[],
  { t }: Language,
): object {
  const lines = requirements.map((requirement) => ({
    ...requirement,
    result: requirement.met
      ? { title: t('requirement.met'), tone: 'good' }
      : requirement.mandatory
        ? { title: t('requirement.notMet'), tone: 'bad' }
        : { title: t('requirement.warning'), tone: 'warning' },
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
