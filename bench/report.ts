import type { BulkResult } from './bulk.ts'
import type { IdleResult } from './idle.ts'
import type { LatencyResult } from './latency.ts'
import { rounded } from './statistics.ts'

type Both<Value> = Readonly<Record<'ours' | 'native', Value>>

/** Everything that a run has measured; parts that were not run are missing. */
export interface Report {
  readonly quick: boolean
  readonly runs: number
  readonly latency?: Both<LatencyResult>
  readonly latency500Tables?: Both<LatencyResult>
  readonly throughput?: Readonly<
    Record<string, Readonly<Record<string, { readonly perSecond: number; readonly ratio: number }>>>
  >
  readonly insert30000?: Both<BulkResult> & { readonly off: BulkResult }
  readonly update200000?: Both<BulkResult> & { readonly off: BulkResult }
  readonly catchUpMs?: Both<number>
  readonly copyMs?: Both<number>
  readonly idle?: IdleResult
}

interface Line {
  readonly work: string
  readonly ours: number
  readonly native: number | null
  /** Ours divided by native. */
  readonly ratio: number | null
}

export function reportLines(report: Report): readonly Line[] {
  const both = (work: string, figures: Both<number> | undefined): readonly Line[] =>
    figures === undefined
      ? []
      : [{ work, ...figures, ratio: rounded(figures.ours / figures.native) }]
  const latency = (work: string, found: Both<LatencyResult> | undefined): readonly Line[] =>
    found === undefined
      ? []
      : [
          ...both(`${work}, p50 ms`, { ours: found.ours.p50Ms, native: found.native.p50Ms }),
          ...both(`${work}, p99 ms`, { ours: found.ours.p99Ms, native: found.native.p99Ms }),
        ]
  return [
    ...latency('commit to visible', report.latency),
    ...latency('commit to visible, 500 tables', report.latency500Tables),
    ...Object.entries(report.throughput ?? {}).flatMap(([clients, modes]): Line[] => {
      const ratio = (mode: string): number => modes[mode]?.ratio ?? Number.NaN
      const captureAlone = ratio('capture')
      return [
        {
          work: `writers ${clients}: capture alone / off`,
          ours: captureAlone,
          native: null,
          ratio: null,
        },
        ...both(`writers ${clients}: replicated / off`, {
          ours: ratio('ours'),
          native: ratio('native'),
        }),
      ]
    }),
    ...bulk('insert of 30,000 rows', report.insert30000),
    ...bulk('update of 200,000 rows', report.update200000),
    ...both('catch-up, ms', report.catchUpMs),
    ...both('copy of everything, ms', report.copyMs),
    ...idle(report.idle),
  ]

  function bulk(work: string, found: Report['insert30000']): readonly Line[] {
    if (found === undefined) return []
    const times = (side: 'ours' | 'native'): number => found[side].commitMs / found.off.commitMs
    return [
      ...both(`${work}: commit / off`, {
        ours: rounded(times('ours')),
        native: rounded(times('native')),
      }),
      ...both(`${work}: visible, ms`, {
        ours: found.ours.visibleMs ?? Number.NaN,
        native: found.native.visibleMs ?? Number.NaN,
      }),
    ]
  }
}

function idle(found: IdleResult | undefined): readonly Line[] {
  if (found === undefined) return []
  const line = (work: string, ours: number): Line => ({ work, ours, native: null, ratio: null })
  return [
    line('idle, active: % of a core', found.activePercentOfACore),
    line('idle, standby: % of a core', found.standbyPercentOfACore),
    line('idle: growth of tables, bytes', found.grownBytes),
  ]
}

export function printReport(report: Report, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify(report, null, 2))
    return
  }
  if (report.quick) console.log('--quick: fewer runs, smaller work; the ratios are rough.')
  console.table(reportLines(report))
}
