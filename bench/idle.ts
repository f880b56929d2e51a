import { readFile } from 'node:fs/promises'
import type pg from 'pg'
import type { OurSide, Servers } from './sides.ts'
import { pause } from './sides.ts'
import { rounded } from './statistics.ts'

const TICKS_PER_SECOND = 100

export interface IdleResult {
  readonly activePercentOfACore: number
  readonly standbyPercentOfACore: number
  /** What the tables of the database side have grown by. */
  readonly grownBytes: number
}

/** Processor time of an idle pair, PostgreSQL's processes of both servers and the engines included. */
export async function measureIdle(
  servers: Servers,
  ours: OurSide,
  seconds: number,
): Promise<IdleResult> {
  await pause(3000)
  const { engines } = ours
  const look = async (): Promise<readonly [number, number, number]> => [
    await cpuSeconds(servers.active.process()?.pid, engines.active.pid),
    await cpuSeconds(servers.standby.process()?.pid, engines.standby.pid),
    (await schemaBytes(ours.from)) + (await schemaBytes(ours.to)),
  ]
  const before = await look()
  await pause(seconds * 1000)
  const after = await look()
  const percent = (index: 0 | 1): number =>
    rounded((100 * (after[index] - before[index])) / seconds)
  return {
    activePercentOfACore: percent(0),
    standbyPercentOfACore: percent(1),
    grownBytes: after[2] - before[2],
  }
}

async function cpuSeconds(postmaster = 0, engine = 0): Promise<number> {
  const text = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')
  const pids = [postmaster, engine, ...text.split(' ').filter(Boolean).map(Number)]
  let ticks = 0
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  return ticks / TICKS_PER_SECOND
}

async function schemaBytes(db: pg.Client): Promise<number> {
  const { rows } = await db.query<{ bytes: string }>(
    `select coalesce(sum(pg_total_relation_size(c.oid)), 0)::text as bytes from pg_class c
     join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'hot_standby' and c.relkind = 'r'`,
  )
  return Number(rows[0]?.bytes)
}
