import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median, rounded } from './statistics.ts'

const run = promisify(execFile)

/** Single-row transactions a second from so many clients. */
async function transactionsPerSecond(url: string, clients: number, ms: number): Promise<number> {
  const host = join(import.meta.dirname, 'writer-host.ts')
  const { stdout } = await run(process.execPath, ['--import=tsx', host, url, `${clients}`, `${ms}`])
  return Number(stdout)
}

export interface ThroughputMode {
  readonly url: string
  /** Before and after each run: replication of other databases must not take part. */
  readonly begin?: () => Promise<void>
  readonly end?: () => Promise<void>
}

/** Interleaved; medians of transactions a second, and their share of the first mode, run by run. */
export async function measureThroughput(
  modes: Readonly<Record<string, ThroughputMode>>,
  clients: number,
  runs: number,
  ms: number,
): Promise<Record<string, { readonly perSecond: number; readonly ratio: number }>> {
  const names = Object.keys(modes)
  const found = new Map(names.map((name) => [name, [] as number[]]))
  for (let turn = 0; turn < runs; turn++) {
    for (const name of names) {
      const mode = modes[name]
      if (mode === undefined) continue
      await mode.begin?.()
      found.get(name)?.push(await transactionsPerSecond(mode.url, clients, ms))
      await mode.end?.()
    }
  }
  const base = found.get(names[0] ?? '') ?? []
  return Object.fromEntries(
    names.map((name) => {
      const values = found.get(name) ?? []
      const ratios = values.map((value, turn) => value / (base[turn] ?? Number.NaN))
      return [name, { perSecond: rounded(median(values)), ratio: rounded(median(ratios)) }]
    }),
  )
}
