import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { sqlStateOf } from '../../plugin/db/sql-state.ts'
import { seeded } from '../simulation/random.ts'

export const NOTICED_WITHIN_MS = 30_000

/**
 * Detaches a partition, changes it behind the triggers' back and attaches it again, at a low rate. No trigger tells
 * this, so cuts may differ in that table from then until it is copied, which must be soon.
 */
export class PartitionMoves {
  readonly #url: string
  readonly #seed: number
  readonly #stop: AbortSignal
  #pending = false
  #copied = false
  #doneAt = Number.POSITIVE_INFINITY
  count = 0

  constructor(url: string, seed: number, stop: AbortSignal) {
    this.#url = url
    this.#seed = seed
    this.#stop = stop
  }

  /** The table may differ in a cut now. */
  excuses(table: string): boolean {
    return this.#pending && table === 'part'
  }

  copied(table: string): void {
    if (table === 'public.part') this.#copied = true
  }

  /** It was copied, and is equal in a cut that has the partition: the copy was not of before. */
  equal(table: string, lockedAt: number): void {
    if (table !== 'part' || !this.#copied || lockedAt <= this.#doneAt) return
    this.#pending = false
  }

  async run(): Promise<void> {
    const random = seeded(this.#seed * 7919)
    const client = new pg.Client({ connectionString: this.#url })
    client.on('error', () => undefined)
    await client.connect()
    try {
      await client.query(`set lock_timeout = '250ms'; set deadlock_timeout = '20ms'`)
      while (!this.#stop.aborted) {
        await sleep(random.between(500, 4000), undefined, { signal: this.#stop }).catch(
          () => undefined,
        )
        if (this.#stop.aborted) return
        await this.#move(client, random.between(0, 400))
      }
    } finally {
      await client.end()
    }
  }

  async #move(client: pg.Client, pauseMs: number): Promise<void> {
    this.#pending = true
    this.#doneAt = Number.POSITIVE_INFINITY
    await insist(client, 'alter table part detach partition part_x')
    await client.query(
      `insert into part_x values (${5000 + this.count}, 'x', 'behind the back') on conflict do nothing; delete from part_x where id % 2 = 0`,
    )
    await sleep(pauseMs)
    this.#copied = false
    await insist(client, `alter table part attach partition part_x for values in ('x')`)
    this.#doneAt = performance.now()
    this.count++
    await this.#settled()
  }

  /** Waits until the table was copied, as a batch shows; fails when nobody noticed. At the end there are no more batches. */
  async #settled(): Promise<void> {
    const until = performance.now() + NOTICED_WITHIN_MS
    while (this.#pending && !this.#stop.aborted) {
      if (performance.now() > until)
        throw new Error('a partition that was attached was never noticed')
      await sleep(20)
    }
  }
}

/** The writers hold locks all the time, and this session waits for none of them for long. */
async function insist(client: pg.Client, sql: string): Promise<void> {
  for (;;) {
    try {
      await client.query(sql)
      return
    } catch (error) {
      if (!['55P03', '40P01'].includes(sqlStateOf(error) ?? '')) throw error
      await sleep(30)
    }
  }
}
