import type { MaintenanceStatus, StatusDocument } from '../../api/status-document.ts'
import type { HotStandbyError } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'
import { formError } from './field-view.ts'
import type { Tone } from './words.ts'

const MINUTE_MS = 60_000
/** What can be chosen; the agent takes everything between the first and the last. */
const DURATIONS_MS: readonly number[] = [15, 30, 60, 120, 240, 480, 720, 1440].map(
  (minutes) => minutes * MINUTE_MS,
)
const USUAL_MS = 60 * MINUTE_MS
/** The form's value for a maintenance mode without an end of its own. */
export const UNTIL_ENDED = 'untilEnded'

const AUTOMATIC: Readonly<Record<StatusDocument['automaticTakeOver']['state'], Tone>> = {
  on: 'good',
  off: 'warning',
  held: 'bad',
}

/** How long maintenance mode lasts yet, in words. */
export function remainingText(
  { remainingMs, until }: MaintenanceStatus,
  { t, duration, moment }: Language,
): string {
  if (remainingMs === null) return t('maintenance.open')
  return t('maintenance.remaining', {
    remaining: duration(remainingMs),
    until: moment(until)?.text,
  })
}

/** What was sent and is not right. */
export interface MaintenanceAnswer {
  readonly error?: HotStandbyError
  readonly sent?: Readonly<Record<string, string>>
}

/** The maintenance page: the pair rests on purpose, for a time; and the switch of automatic take-over. */
export function maintenanceModel(
  status: StatusDocument,
  { error, sent }: MaintenanceAnswer,
  language: Language,
): object {
  const { t, duration } = language
  const { maintenance, automaticTakeOver: automatic } = status
  const chosen = sent?.['durationMs'] ?? String(USUAL_MS)
  return {
    isPaired: status.setUp === 'paired',
    maintenance: maintenance && {
      remaining: remainingText(maintenance, language),
      synchronisation: t(`maintenance.synchronisation.${maintenance.synchronisation}`),
    },
    durations: [
      ...DURATIONS_MS.map((ms) => ({ value: String(ms), label: duration(ms) })),
      { value: UNTIL_ENDED, label: t('maintenance.untilEnded') },
    ].map((choice) => ({ ...choice, isSelected: choice.value === chosen })),
    isPauseChosen: sent?.['pauseSynchronisation'] === 'on',
    problem: error?.details.fields?.find(({ field }) => field === 'durationMs') ?? null,
    automatic: {
      isOn: automatic.state === 'on',
      state: { title: t(`automatic.${automatic.state}`), tone: AUTOMATIC[automatic.state] },
      text: t(`automatic.${automatic.state}Text`),
      changes: t('automatic.changes', {
        changes: automatic.changesLastHour,
        most: automatic.changesPerHour,
      }),
    },
    error: error === undefined ? null : formError(error),
  }
}
