import type { UnsentOutcome } from '../../api/agent-api.ts'
import type { StatusDocument, UnsentChange } from '../../api/status-document.ts'
import type { HotStandbyError } from '../../errors.ts'
import type { Language } from '../i18n/language.ts'
import { formError } from './field-view.ts'
import type { Pill } from './words.ts'

/** What became of what was asked for. */
export interface UnsentAnswer {
  readonly outcome?: UnsentOutcome
  readonly error?: HotStandbyError
}

const MOST_SHOWN = 200

/** Unsent changes: the loser's value beside the winner's. */
export function unsentModel(
  status: StatusDocument,
  changes: readonly UnsentChange[],
  { outcome, error }: UnsentAnswer,
  language: Language,
): object {
  const { t, moment } = language
  const confirm = error?.details.fields?.find(({ field }) => field === 'confirm') ?? null
  return {
    isActive: status.server.role === 'active',
    count: changes.length,
    isCut: changes.length > MOST_SHOWN,
    most: MOST_SHOWN,
    changes: changes.slice(0, MOST_SHOWN).map((change) => ({
      id: change.id,
      at: moment(change.keptAt),
      term: change.lostTerm,
      name: `${change.schema}.${change.table}`,
      key: change.key.join(', '),
      kind: t(`unsent.kind.${change.kind}`),
      winner: winnerPill(change, language),
      values: valuesOf(change, language),
      conflict: outcome?.conflicts.find(({ id }) => id === change.id)?.reason ?? null,
    })),
    outcome: outcome && {
      done: t('unsent.done', { count: outcome.done.length }),
      conflicts:
        outcome.conflicts.length === 0
          ? null
          : t('unsent.conflicts', { count: outcome.conflicts.length }),
    },
    confirm,
    error: error === undefined ? null : formError(error),
  }
}

function winnerPill({ winnerChanged }: UnsentChange, { t }: Language): Pill {
  if (winnerChanged === null) return { title: t('unsent.winner.unknown'), tone: 'warning' }
  return winnerChanged
    ? { title: t('unsent.winner.changed'), tone: 'bad' }
    : { title: t('unsent.winner.same'), tone: 'good' }
}

/** Column by column, those that differ first; a row that is not there has no values. */
function valuesOf(change: UnsentChange, { t }: Language): readonly object[] {
  const { loser, winner, isWinnerKnown } = change
  const columns = [...new Set([...Object.keys(loser ?? {}), ...Object.keys(winner ?? {})])]
  const lines = columns.map((column) => ({
    column,
    lost: shown(loser, column, t('unsent.noRow')),
    won: isWinnerKnown ? shown(winner, column, t('unsent.noRow')) : t('unsent.notKnown'),
    differs: loser?.[column] !== winner?.[column],
  }))
  return [...lines.filter(({ differs }) => differs), ...lines.filter(({ differs }) => !differs)]
}

function shown(
  row: Readonly<Record<string, string | null>> | null,
  column: string,
  missing: string,
): string {
  if (row === null) return missing
  return row[column] ?? 'NULL'
}
