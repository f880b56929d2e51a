import type { DrillReport, DrillStep, DrillStepId } from '../api/drill-report.ts'
import { HotStandbyError, toHotStandbyError } from '../errors.ts'
import { DRILL_STEPS } from './drill-steps.ts'
import type { NodeContext } from './node-context.ts'
import type { Step } from './operations.ts'

const busy = new WeakSet<NodeContext>()

/**
 * Rehearses a take-over on whichever server is standby, from either one: everything but the switch. It asks, compares
 * and writes files of its own; it locks nothing and moves nothing. Errors: HS_WRONG_STATE, HS_PEER_*.
 */
export async function drill(node: NodeContext, by: string | null, step: Step): Promise<void> {
  step(`asked for by ${by ?? 'cli'}`)
  if (node.loop.view().state.name !== 'active') {
    await drillHere(node, by, step)
    return
  }
  step('the other server rehearses')
  const report = await node.client.drill({ by })
  await node.lastDrill.save(report)
  for (const done of report.steps) step(lineOf(done))
}

/** On the standby. Errors: HS_WRONG_STATE on the active, and while another rehearsal runs. */
export async function drillHere(
  node: NodeContext,
  by: string | null,
  step: Step,
): Promise<DrillReport> {
  if (node.loop.view().state.name === 'active')
    throw new HotStandbyError('HS_WRONG_STATE', { reason: 'this server is active already' })
  if (busy.has(node))
    throw new HotStandbyError('HS_WRONG_STATE', { reason: 'another rehearsal runs' })
  busy.add(node)
  try {
    const begun = performance.now()
    const steps: DrillStep[] = []
    for (const id of Object.keys(DRILL_STEPS) as DrillStepId[]) {
      const done = await runStep(node, id)
      steps.push(done)
      step(lineOf(done))
    }
    const report = reportOf(node, by, steps, performance.now() - begun)
    await node.lastDrill.save(report)
    tell(node, report)
    return report
  } finally {
    busy.delete(node)
  }
}

async function runStep(node: NodeContext, id: DrillStepId): Promise<DrillStep> {
  const { title, remedy, run } = DRILL_STEPS[id]
  const begun = performance.now()
  const durationMs = (): number => Math.round(performance.now() - begun)
  try {
    const { detail, result = 'ok', ...found } = await run(node)
    const help = result === 'failed' ? (found.remedy ?? remedy) : null
    return { id, title, result, durationMs: durationMs(), detail, remedy: help }
  } catch (thrown) {
    const error = toHotStandbyError(thrown)
    return {
      ...{ id, title, result: 'failed', durationMs: durationMs() },
      detail: error.message,
      remedy: error.details.remedy ?? remedy,
    }
  }
}

function reportOf(
  node: NodeContext,
  by: string | null,
  steps: readonly DrillStep[],
  durationMs: number,
): DrillReport {
  const took = (id: DrillStepId): number | null => {
    const found = steps.find((step) => step.id === id)
    return found?.result === 'ok' ? found.durationMs : null
  }
  const drainMs = took('drain')
  const { deadMs, claimWaitMs } = node.loop.view().timing
  return {
    at: new Date().toISOString(),
    durationMs: Math.round(durationMs),
    ok: steps.every((step) => step.result !== 'failed'),
    serverId: node.serverId,
    hostName: node.facts.last()?.hostName ?? '',
    by,
    steps,
    drainMs,
    expectedOutage: {
      plannedMs: sum(drainMs, took('term'), took('lease')),
      failoverMs: sum(deadMs, claimWaitMs, took('virtualIp'), took('term'), took('lease')),
    },
  }
}

/** Null when one of them is not known. */
function sum(...parts: readonly (number | null)[]): number | null {
  return parts.reduce((total, part) => (total === null || part === null ? null : total + part))
}

function tell({ history }: NodeContext, report: DrillReport): void {
  const failed = report.steps.filter(({ result }) => result === 'failed')
  history.record({
    kind: report.ok ? 'drillDone' : 'drillFailed',
    reason: report.ok
      ? `${report.steps.length} steps`
      : failed.map(({ title, detail }) => `${title}: ${detail}`).join('; '),
    data: { failed: failed.map(({ id }) => id), durationMs: report.durationMs },
    actor: report.by,
  })
}

function lineOf({ title, result, detail, durationMs }: DrillStep): string {
  return `${result}: ${title} (${detail}, ${durationMs} ms)`
}
