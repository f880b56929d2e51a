import type { DrillReport, DrillStep } from '../../api/drill-report.ts'
import { HotStandbyError } from '../../errors.ts'
import type { AddCommand } from '../command-context.ts'
import { tellStepsOf } from '../follow-operation.ts'
import { formatMs } from '../units.ts'

export const addDrill: AddCommand = (program, action) => {
  program
    .command('drill')
    .description(
      'rehearse a take-over on the standby, from either server: everything but the switch; status 1 when a step fails',
    )
    .action(
      action(async (context) => {
        const agent = context.agent()
        await tellStepsOf(agent, 'drill', agent.drill({ wait: true }), context.progress)
        const { lastDrill } = await agent.status()
        if (lastDrill === null)
          throw new HotStandbyError('HS_INTERNAL', { reason: 'there is no report' })
        return { document: lastDrill, lines: drillLines(lastDrill), failed: !lastDrill.ok }
      }),
    )
}

function drillLines(report: DrillReport): string[] {
  const failed = report.steps.filter(({ result }) => result === 'failed')
  const { plannedMs, failoverMs } = report.expectedOutage
  const outage =
    plannedMs === null || failoverMs === null
      ? []
      : [
          `Expected outage, without the start of the telephony service: planned ${formatMs(plannedMs)}, after a fault ${formatMs(failoverMs)}.`,
        ]
  return [
    ...report.steps.flatMap(stepLines),
    ...outage,
    failed.length === 0
      ? `A take-over of ${report.hostName} would work.`
      : `${failed.length} of ${report.steps.length} steps failed on ${report.hostName}.`,
  ]
}

function stepLines({ title, result, detail, durationMs, remedy }: DrillStep): string[] {
  const line = `${result.padEnd(8)}${title}: ${detail} (${formatMs(durationMs)})`
  return remedy === null ? [line] : [line, `        ${remedy}`]
}
