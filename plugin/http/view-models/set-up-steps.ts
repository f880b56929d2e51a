import type { StatusDocument } from '../../api/status-document.ts'
import type { Language } from '../i18n/language.ts'
import type { Pill } from './words.ts'

interface Step {
  readonly title: string
  readonly text: string
  readonly state: Pill
  readonly isNow: boolean
}

/** Where the pairing stands: settings, meeting, copy. What the steps say depends on which server this is. */
export function setUpSteps(status: StatusDocument, { t }: Language): readonly Step[] {
  const identity = status.settings.server?.identity ?? 'unknown'
  const done = stepsDone(status)
  return ['settings', 'meet', 'copy'].map((name, index) => {
    const isNow = index === done
    const state: Pill =
      index < done
        ? { title: t('step.done'), tone: 'good' }
        : isNow
          ? { title: t('step.now'), tone: 'info' }
          : { title: t('step.later'), tone: 'info' }
    return { title: t(`step.${name}`), text: t(`step.${name}.${identity}`), state, isNow }
  })
}

function stepsDone({ setUp, replication }: StatusDocument): number {
  if (setUp === 'notSetUp') return 0
  if (setUp === 'waitingForPeer') return 1
  return replication.inSync || ['streaming', 'catchingUp'].includes(replication.phase) ? 3 : 2
}
