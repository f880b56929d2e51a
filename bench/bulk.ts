import type pg from 'pg'
import { median, rounded } from './statistics.ts'
import { pause, type Side } from './sides.ts'

/** One transaction of 30,000 rows in three tables. */
export const INSERT_30000 = `begin;
  insert into call_record (caller, callee, seconds, disposition)
    select 'a' || n, 'b' || n, n, 'ANSWERED' from generate_series(1, 10000) n;
  insert into voicemail (extension, text) select n, 'text ' || n from generate_series(1, 10000) n;
  insert into queue_log (queue, event) select 'queue', 'event ' || n from generate_series(1, 10000) n;
  commit`

/** One statement that changes 200,000 rows. */
export const UPDATE_200000 = 'update call_record set seconds = seconds + 1 where id <= 200000'

export interface BulkResult {
  /** Until the commit has returned. */
  readonly commitMs: number
  /** From the begin of the transaction until the standby shows it; null without a standby. */
  readonly visibleMs: number | null
}

export interface BulkMode {
  readonly from: pg.Client
  readonly side: Side | null
}

/** Interleaved; medians. The mark is a row that the standby shows at the same moment as the rest. */
export async function measureBulk<Name extends string>(
  modes: Readonly<Record<Name, BulkMode>>,
  sql: string,
  runs: number,
): Promise<Record<Name, BulkResult>> {
  const names = Object.keys(modes) as Name[]
  const commits = new Map<Name, number[]>(names.map((name) => [name, []]))
  const visibles = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let run = 0; run < runs; run++) {
    for (const name of names) {
      const { from, side } = modes[name]
      const mark = `${name} ${run} ${sql.length}`
      const begunAt = performance.now()
      await from.query(withMark(sql, mark))
      commits.get(name)?.push(performance.now() - begunAt)
      if (side === null) continue
      while (!(await shows(side.to, mark))) await pause(2)
      visibles.get(name)?.push(performance.now() - begunAt)
      await side.caughtUp()
    }
  }
  const result = names.map((name) => {
    const visible = visibles.get(name) ?? []
    const visibleMs = visible.length === 0 ? null : rounded(median(visible))
    return [name, { commitMs: rounded(median(commits.get(name) ?? [])), visibleMs }] as const
  })
  return Object.fromEntries(result) as Record<Name, BulkResult>
}

function withMark(sql: string, mark: string): string {
  const update = `update setting_0 set name = '${mark}' where id = 1`
  return sql.startsWith('begin;')
    ? sql.replace('begin;', `begin; ${update};`)
    : `begin; ${update}; ${sql}; commit`
}

async function shows(db: pg.Client, mark: string): Promise<boolean> {
  const text = 'select from setting_0 where id = 1 and name = $1'
  return (await db.query({ name: 'mark', text, values: [mark] })).rowCount === 1
}
