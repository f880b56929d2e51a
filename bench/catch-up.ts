import { median, rounded } from './statistics.ts'
import type { Side } from './sides.ts'

const BACKLOG = `do $$ begin
  for i in 1..$COUNT loop
    insert into queue_log (queue, event) select 'backlog', 'event ' || i || n from generate_series(1, 4) n;
    update extension set name = 'backlog ' || i where number = 1 + i % 2000;
    commit;
  end loop; end $$`

/** Milliseconds that a standby needs for what was committed while it was away: so many transactions of five rows. */
export async function measureCatchUp<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  transactions: number,
  runs: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(sides) as Name[]
  const times = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let run = 0; run < runs; run++) {
    for (const name of names) {
      const side = sides[name]
      await side.stop()
      await side.from.query('set synchronous_commit = off')
      await side.from.query(BACKLOG.replace('$COUNT', String(transactions)))
      await side.from.query('set synchronous_commit = on')
      const begunAt = performance.now()
      await side.start()
      await side.caughtUp()
      times.get(name)?.push(performance.now() - begunAt)
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, rounded(median(times.get(name) ?? []))]),
  ) as Record<Name, number>
}

/** Milliseconds of a copy of everything into empty tables, indexes included, until it is followed. */
export async function measureCopy<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  runs: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(sides) as Name[]
  const times = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let run = 0; run < runs; run++) {
    for (const name of names) times.get(name)?.push(await sides[name].copyAfresh())
  }
  return Object.fromEntries(
    names.map((name) => [name, rounded(median(times.get(name) ?? []))]),
  ) as Record<Name, number>
}
