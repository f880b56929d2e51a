import type pg from 'pg'
import { median, percentile, rounded } from './statistics.ts'
import { pause, type Side } from './sides.ts'

const GAP_MS = 5
let number = 1_000_000

/** Milliseconds from the return of the commit to the first answer of the standby that has the row. */
async function commitToVisible(side: Side, rows: number): Promise<number[]> {
  const times: number[] = []
  for (let row = 0; row < rows; row++) {
    number++
    await insert(side.from, number)
    const committedAt = performance.now()
    const look = { name: 'look', text: 'select from extension where number = $1', values: [number] }
    while ((await side.to.query(look)).rowCount === 0);
    times.push(performance.now() - committedAt)
    await pause(GAP_MS + Math.random() * GAP_MS)
  }
  return times
}

async function insert(db: pg.Client, value: number): Promise<void> {
  const text = 'insert into extension (number, name) values ($1, $2)'
  await db.query({ name: 'insert', text, values: [value, 'bench'] })
}

export interface LatencyResult {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Interleaved; the figures are the medians of the runs' percentiles. */
export async function measureLatency<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  runs: number,
  rows: number,
): Promise<Record<Name, LatencyResult>> {
  const names = Object.keys(sides) as Name[]
  const figures = new Map(names.map((name) => [name, { p50: [] as number[], p99: [] as number[] }]))
  for (const name of names) await commitToVisible(sides[name], 20)
  for (let run = 0; run < runs; run++) {
    for (const name of names) {
      const times = await commitToVisible(sides[name], rows)
      figures.get(name)?.p50.push(percentile(times, 0.5))
      figures.get(name)?.p99.push(percentile(times, 0.99))
    }
  }
  const result = names.map((name) => {
    const { p50, p99 } = figures.get(name) ?? { p50: [], p99: [] }
    return [name, { p50Ms: rounded(median(p50)), p99Ms: rounded(median(p99)) }] as const
  })
  return Object.fromEntries(result) as Record<Name, LatencyResult>
}
