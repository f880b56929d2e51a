import type { CheckReport, TableDifference } from '../../api/status-document.ts'
import type { AddCommand } from '../command-context.ts'
import { formatMs } from '../units.ts'

interface CheckOptions {
  readonly repair?: boolean
}

export const addCheck: AddCommand = (program, action) => {
  program
    .command('check')
    .description('compare both servers at one cut, row by row; status 1 when they differ')
    .option('--repair', "give the standby the active server's rows")
    .action(
      action<CheckOptions>(async (context, options) => {
        context.progress('Comparing …')
        const report = await context.agent().check({ repair: options.repair === true })
        const failed = report.differences.length > 0 && !report.repaired
        return { document: report, lines: checkLines(report), failed }
      }),
    )
}

function checkLines(report: CheckReport): string[] {
  const scope = `${report.tables} tables, ${report.rows} rows, ${formatMs(report.durationMs)}`
  if (report.differences.length === 0) return [`The standby is identical (${scope}).`]
  const head = report.repaired
    ? `The standby differed and was repaired (${scope}):`
    : `The standby differs (${scope}). Repair it: hot-standby check --repair`
  return [head, ...report.differences.flatMap(differenceLines)]
}

function differenceLines(difference: TableDifference): string[] {
  const counts = `${difference.different} different, ${difference.onlyOnActive} only on the active, ${difference.onlyOnStandby} only on the standby`
  const keys = difference.keys.length === 0 ? [] : [`    keys: ${difference.keys.join(', ')}`]
  const rows = difference.rows.flatMap(({ key, active, standby }) => [
    `    ${key}`,
    `      active:  ${active ?? '(no row)'}`,
    `      standby: ${standby ?? '(no row)'}`,
  ])
  return [`  ${difference.table}: ${counts}`, ...(rows.length > 0 ? rows : keys)]
}
