import pg from 'pg'
import type { OnStep } from '../../plugin/replication/batch-step.ts'
import { FREE_SEQUENCES, OWNED_SEQUENCES } from './tables.ts'

/** Both servers print values alike, whatever their defaults. */
const FORMATS = `set datestyle = 'ISO, YMD'; set intervalstyle = postgres; set timezone = 'UTC';
  set extra_float_digits = 1; set lock_timeout = '5s'; set search_path = public, pg_catalog`

export interface ObserverCounts {
  /** Batches with changes that were compared. */
  batches: number
  tables: number
  /** Tables that the batch had no part in, and that were truncated before they could be read in its snapshot. */
  rewritten: number
  /** Tables whose partitions were moved and that have not been copied since. */
  excused: number
  slowestMs: number
}

export class InexactCut extends Error {}

/** A table's contents: number of rows and a hash of them as text in order. */
interface Digest {
  readonly rows: string
  readonly hash: string
}

interface Cut {
  readonly lockedAt: number
  /** Where those stood that belong to no table. */
  readonly freeSequences: ReadonlyMap<string, bigint>
}

/**
 * Compares every committed batch with the active inside the batch's own snapshot, which it imports while the batch
 * runs: all tables as text, and sequences that must not be behind any row. A batch waits for the comparison.
 */
export class Observer {
  readonly #source: pg.Client
  readonly #target: pg.Client
  readonly #tables: readonly string[]
  readonly #excused: (table: string) => boolean
  readonly #equal: (table: string, lockedAt: number) => void
  readonly #failed: (error: unknown) => void
  readonly counts: ObserverCounts = {
    batches: 0,
    tables: 0,
    rewritten: 0,
    excused: 0,
    slowestMs: 0,
  }
  #changed = false
  #lockedAt = 0
  #cut: Cut | null = null
  #last: Promise<unknown> = Promise.resolve()

  private constructor(source: pg.Client, target: pg.Client, input: ObserverInput) {
    this.#source = source
    this.#target = target
    this.#tables = input.tables
    this.#excused = input.excused
    this.#equal = input.equal
    this.#failed = input.failed
  }

  static async open(input: ObserverInput): Promise<Observer> {
    const [source, target] = await Promise.all([connect(input.sourceUrl), connect(input.targetUrl)])
    return new Observer(source, target, input)
  }

  async close(): Promise<void> {
    await Promise.all([this.#source.end(), this.#target.end()])
  }

  readonly onStep: OnStep = async (step, place) => {
    try {
      await this.#alone(() => this.#step(step, place))
    } catch (error) {
      this.#failed(error)
    }
  }

  /** The engine goes on looking while the end is compared: one reading at a time, each in its own snapshot. */
  #alone<T>(read: () => Promise<T>): Promise<T> {
    const done = this.#last.then(read)
    this.#last = done.catch(() => undefined)
    return done
  }

  async #step(...[step, place]: Parameters<OnStep>): Promise<void> {
    if (step === 'locked') this.#lockedAt = performance.now()
    if (step === 'snapshotTaken' && place !== null) {
      this.#changed = false
      const { rows } = await place.reader.query<{ id: string }>(
        'select pg_catalog.pg_export_snapshot() as id',
      )
      await this.#enter(rows[0]!.id)
    }
    if (step === 'deleted' || step === 'copied') this.#changed = true
    if (step === 'committed') await this.#compare()
  }

  async #enter(snapshotId: string): Promise<void> {
    await this.#source.query('rollback')
    await this.#source.query('begin isolation level repeatable read read only')
    await this.#source.query(`set transaction snapshot '${snapshotId}'`)
    this.#cut = {
      lockedAt: this.#lockedAt,
      freeSequences: await readSequences(this.#source, FREE_SEQUENCES),
    }
  }

  allEqual(): Promise<boolean> {
    return this.#alone(async () => {
      await this.#source.query('rollback; begin isolation level repeatable read read only')
      const [source, target] = await this.#readBoth()
      return this.#tables.every((table) => same(source.get(table), target.get(table)))
    })
  }

  /** Once more at the end, when nothing is written any more and there is no excuse. */
  async compareAll(): Promise<void> {
    await this.#alone(async () => {
      await this.#source.query('rollback; begin isolation level repeatable read read only')
      const [source, target] = await this.#readBoth()
      for (const table of this.#tables)
        if (!same(source.get(table), target.get(table))) await this.#differs(table)
    })
  }

  async #compare(): Promise<void> {
    const cut = this.#cut
    if (cut === null || !this.#changed) return
    const begun = performance.now()
    const [source, target] = await this.#readBoth()
    const different = this.#tables.filter((table) => !same(source.get(table), target.get(table)))
    const rewritten = different.length === 0 ? new Set<string>() : await this.#rewrittenSince()
    for (const table of different) {
      if (rewritten.has(bare(table))) this.counts.rewritten++
      else if (this.#excused(bare(table))) this.counts.excused++
      else await this.#differs(table)
    }
    for (const table of this.#tables)
      if (!different.includes(table)) this.#equal(bare(table), cut.lockedAt)
    await this.#compareSequences(cut)
    await this.#source.query('rollback')
    this.counts.batches++
    this.counts.tables += this.#tables.length - different.length
    this.counts.slowestMs = Math.max(this.counts.slowestMs, performance.now() - begun)
  }

  async #readBoth(): Promise<[ReadonlyMap<string, Digest>, ReadonlyMap<string, Digest>]> {
    return Promise.all([
      readDigests(this.#source, this.#tables),
      readDigests(this.#target, this.#tables),
    ])
  }

  /** A number that was drawn and rolled back is in no row: the sequence of a table need not be beyond it. */
  async #compareSequences(cut: Cut): Promise<void> {
    const names = [...FREE_SEQUENCES, ...OWNED_SEQUENCES.map(({ name }) => name)]
    const [target, drawn] = await Promise.all([
      readSequences(this.#target, names),
      readDrawn(this.#source),
    ])
    for (const [name, value] of [...cut.freeSequences, ...drawn]) {
      const own = target.get(name)
      if (own === undefined || isBehind(name, own, value))
        throw new InexactCut(`sequence ${name} is at ${own}, and at ${value} on the active`)
    }
  }

  /** At the end, when nobody draws numbers any more: all are where the active's are, or beyond. */
  async sequencesCaughtUp(): Promise<boolean> {
    const names = [...FREE_SEQUENCES, ...OWNED_SEQUENCES.map(({ name }) => name)]
    const [source, target] = await this.#alone(() =>
      Promise.all([readSequences(this.#source, names), readSequences(this.#target, names)]),
    )
    return [...source].every(([name, value]) => {
      const own = target.get(name)
      return own !== undefined && !isBehind(name, own, value)
    })
  }

  /**
   * A table that is truncated after the snapshot looks empty in it. The batch has locked the tables that it applies, so
   * this is a matter of the comparison only: a file that is not the one of the snapshot.
   */
  async #rewrittenSince(): Promise<ReadonlySet<string>> {
    const { rows } = await this.#source.query<{ name: string }>(
      `select coalesce((select root.relname from pg_partition_root(c.oid) r join pg_class root on root.oid = r), c.relname)::text as name
       from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
         and c.relfilenode is distinct from pg_relation_filenode(c.oid)`,
    )
    return new Set(rows.map((row) => row.name))
  }

  async #differs(table: string): Promise<never> {
    const [source, target] = await Promise.all([
      readRows(this.#source, table),
      readRows(this.#target, table),
    ])
    const list = (rows: readonly string[]): string => rows.slice(0, 8).join('\n    ') || '(none)'
    throw new InexactCut(
      `${table} differs after ${this.counts.batches} exact batches\n  on the active only:\n    ${list(minus(source, target))}
  on the standby only:\n    ${list(minus(target, source))}`,
    )
  }
}

export interface ObserverInput {
  readonly sourceUrl: string
  readonly targetUrl: string
  readonly tables: readonly string[]
  /** A table that may differ now. */
  readonly excused: (table: string) => boolean
  /** A table was equal in a cut whose locks were taken at this time. */
  readonly equal: (table: string, lockedAt: number) => void
  readonly failed: (error: unknown) => void
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  await client.query(FORMATS)
  return client
}

function bare(table: string): string {
  return table.replace('only ', '')
}

function same(a: Digest | undefined, b: Digest | undefined): boolean {
  return a !== undefined && b !== undefined && a.rows === b.rows && a.hash === b.hash
}

async function readDigests(
  client: pg.Client,
  tables: readonly string[],
): Promise<ReadonlyMap<string, Digest>> {
  const selects = tables.map(
    (table) => `select '${table}' as name, count(*)::text as rows,
      md5(coalesce(string_agg(t::text, E'\\n' order by t::text collate "C"), '')) as hash from ${table} t`,
  )
  const { rows } = await client.query<{ name: string } & Digest>(selects.join(' union all '))
  return new Map(rows.map((row) => [row.name, row]))
}

async function readRows(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ row: string }>(
    `select t::text as row from ${table} t order by 1`,
  )
  return rows.map((row) => row.row)
}

/** As multisets: duplicates count. */
function minus(rows: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const row of others) left.set(row, (left.get(row) ?? 0) + 1)
  return rows.filter((row) => {
    const count = left.get(row) ?? 0
    left.set(row, count - 1)
    return count <= 0
  })
}

async function readSequences(
  client: pg.Client,
  names: readonly string[],
): Promise<ReadonlyMap<string, bigint>> {
  return readNumbers(
    client,
    `select c.relname::text as name, pg_sequence_last_value(c.oid)::text as value from pg_class c
     where c.relkind = 'S' and c.relname = any($1)`,
    [names],
  )
}

/** The furthest number of each sequence that a row of its table has in the cut. */
async function readDrawn(client: pg.Client): Promise<ReadonlyMap<string, bigint>> {
  const selects = OWNED_SEQUENCES.map(
    ({ name, table, furthest }) =>
      `select '${name}' as name, ${furthest}(id)::text as value from ${table}`,
  )
  return readNumbers(client, selects.join(' union all '), [])
}

async function readNumbers(
  client: pg.Client,
  sql: string,
  values: readonly unknown[],
): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await client.query<{ name: string; value: string | null }>(sql, [...values])
  return new Map(
    rows.flatMap((row) => (row.value === null ? [] : [[row.name, BigInt(row.value)] as const])),
  )
}

function isBehind(name: string, own: bigint, other: bigint): boolean {
  const descending = OWNED_SEQUENCES.some((one) => one.name === name && one.furthest === 'min')
  return descending ? own > other : own < other
}
