import type { UnsentChange } from '../../api/status-document.ts'
import { HotStandbyError } from '../../errors.ts'
import type { AddCommand } from '../command-context.ts'
import { formatTime } from '../units.ts'

interface SettleOptions {
  readonly id?: readonly string[]
  readonly all?: boolean
}

export const addUnsent: AddCommand = (program, action) => {
  const unsent = program
    .command('unsent')
    .description('changes that had not reached the other server at a take-over')
  unsent
    .command('list', { isDefault: true })
    .description('every change, with the value that was lost beside the one that won')
    .action(
      action(async (context) => {
        const answer = await context.agent().unsent()
        const lines = answer.changes.flatMap(linesOf)
        return { document: answer, lines: lines.length === 0 ? ['There are none.'] : lines }
      }),
    )
  for (const [name, description] of [
    [
      'reapply',
      'apply them again on the active server; one that is in conflict is named, not forced',
    ],
    ['discard', 'let them go'],
  ] as const) {
    unsent
      .command(name)
      .description(description)
      .option('--id <id...>', 'these, as `unsent list` names them')
      .option('--all', 'every one')
      .action(
        action<SettleOptions>(async (context, { id, all }) => {
          if ((id === undefined) === (all !== true))
            throw new HotStandbyError('HS_REQUEST_INVALID', {
              reason: 'neither or both of --id and --all were given',
              remedy: 'Give --id with the changes, or --all.',
            })
          const answer = await context.agent().settleUnsent({
            how: name,
            ...(id === undefined ? { all: true } : { ids: id }),
          })
          const { done, conflicts } = answer
          return {
            document: answer,
            lines: [
              `${name === 'reapply' ? 'Applied again' : 'Discarded'}: ${done.length}`,
              ...conflicts.map((conflict) => `${conflict.id}: ${conflict.reason}`),
            ],
            failed: conflicts.length > 0,
          }
        }),
      )
  }
}

function linesOf(change: UnsentChange): string[] {
  const { id, schema, table, kind, key, keptAt, loser, winner, winnerChanged } = change
  const what = { row: 'changed', deleted: 'deleted', wholeTable: 'changed as a whole' }[kind]
  const since = { true: 'changed since', false: 'not changed since', null: 'not known' }[
    String(winnerChanged) as 'true'
  ]
  return [
    `${id}  ${schema}.${table} (${key.join(', ')}) ${what}, kept ${formatTime(keptAt)}`,
    `    lost: ${loser === null ? '(no row)' : JSON.stringify(loser)}`,
    `    won:  ${winner === null ? (change.isWinnerKnown ? '(no row)' : '(not known)') : JSON.stringify(winner)} - ${since}`,
  ]
}
