import assert from 'node:assert/strict'
import type { TableTransfer } from '../../../plugin/replication/apply-table.ts'
import type { BatchStep, StepPlace } from '../../../plugin/replication/batch-step.ts'
import { sqlStateOf } from '../../../plugin/db/sql-state.ts'
import type { Queryable } from '../../../plugin/db/transaction.ts'
import {
  eventually,
  inSync,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../support/database.ts'
import { seeded } from '../../simulation/random.ts'

const TABLES = ['a', 'bare', 'parts', 'two_keys', 'wide', 'z']
const DDL = `
  create table a (id int primary key, v text, own text);
  create table bare (v text);
  create table parts (id int primary key, v text) partition by range (id);
  create table parts_low partition of parts for values from (0) to (500);
  create table parts_high partition of parts for values from (500) to (maxvalue);
  create table two_keys (x int, y text, v text unique, primary key (x, y));
  create table wide (id int primary key, v text);
  create table z (id int primary key, v text, twice text generated always as (v || v) stored)`
const ROWS = `
  insert into a select n, md5(n::text) from generate_series(1, 400) n;
  insert into bare select (n % 7)::text from generate_series(1, 100) n;
  insert into parts select n, md5(n::text) from generate_series(300, 700) n;
  insert into two_keys select n % 20, n::text, md5(n::text) from generate_series(1, 300) n;
  insert into wide select n, repeat(md5(n::text), 30) from generate_series(1, 500) n;
  insert into z select n, md5(n::text) from generate_series(1, 200) n`

/** What may come between two rounds: changed, moved and swapped keys, whole tables, rewritten ones. */
const CHANGES: readonly ((n: number) => string)[] = [
  (n) => `update a set v = v || '${n}' where id % 5 = ${n % 5}`,
  (n) => `update a set id = -id where id % 11 = ${n % 11}`,
  (n) => `delete from a where id % 13 = ${n % 13}; insert into a values (${1000 + n}, 'new')`,
  (n) => `insert into bare values ('${n}'), ('${n}')`,
  () => `delete from bare where v = '3'`,
  (n) => `update parts set id = id + 200 where id between ${300 + n} and ${305 + n}`,
  (n) => `update two_keys set x = x + 1, v = v || '!' where x = ${n % 20}`,
  () => `truncate wide; insert into wide values (1, 'after the truncation')`,
  (n) => `insert into wide values (${2000 + n}, 'more')`,
  () => `alter table wide alter v set compression pglz, alter v type text using upper(v)`,
  () => 'truncate z',
  (n) => `insert into z values (${1000 + n}, 'new') on conflict do nothing`,
]

const SEEDS = 6

type Held = (step: BatchStep, place: StepPlace) => Promise<void>

describe('a copy in rounds', function () {
  this.timeout(120_000)
  const clusters = useClusters()
  let active: TestServer
  let standby: TestServer
  let onStep: Held | null = null
  let changes = 0
  const differences: string[] = []

  before(async () => {
    const config = { exclude: { tables: [], columns: { a: ['own'] }, rows: {} } }
    active = await startServer(clusters().first, 'active', { ddl: DDL })
    standby = await startServer(clusters().second, 'standby', {
      ddl: DDL,
      config,
      onStep: async (step, place) => {
        if (place !== null) await onStep?.(step, place)
      },
    })
    await active.sql.query(ROWS)
    await standby.sql.query(`insert into a select n, '', 'ours' from generate_series(1, 400) n`)
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
  })

  afterEach(() => (onStep = null))
  after(async () => {
    await Promise.all([active?.close(), standby?.close()])
  })

  const copies = (): number =>
    standby.history.filter(({ kind }) => kind === 'resynchronisationDone').length
  const interruptions = (): number =>
    standby.history.filter(({ kind }) => kind === 'copyGaveWay').length

  async function copyAgain(): Promise<void> {
    const before = copies()
    differences.length = 0
    await standby.engine.resynchronise()
    await eventually(() => copies() > before, 'the end of the copy', 60_000)
    assert.deepEqual(differences, [])
  }

  /** At the cut of the copy, on both servers. An error would only have the copy made again. */
  async function compare({ reader, writer }: StepPlace): Promise<void> {
    for (const table of TABLES) {
      const [here, there] = [await rowsOf(writer, table), await rowsOf(reader, table)]
      if (here.join('\n') !== there.join('\n')) differences.push(table)
    }
  }

  it('does not begin again what is here, and ends in one exact cut', async () => {
    const copied: string[] = []
    let migration: Promise<unknown> | null = null
    onStep = async (step, place) => {
      if (step === 'deleted') copied.push(tableOf(place))
      // Held until the copy has given way.
      if (step === 'deleted' && tableOf(place) === 'parts' && migration === null) {
        await active.sql.query(`update a set v = 'changed between' where id < 10`)
        migration = withClient(active.url(), (client) =>
          client.query('alter table wide add constraint not_much check (id < 1000000) not valid'),
        )
        await migration
      }
      if (step === 'beforeCommit') await compare(place)
    }
    const before = interruptions()
    await copyAgain()
    assert.equal(interruptions(), before + 1)
    // `a` by its keys, `parts` because it was interrupted.
    assert.deepEqual(copied, ['a', 'bare', 'parts', 'a', 'parts', 'two_keys', 'wide', 'z'])
    await standby.sql.query(
      'alter table wide add constraint not_much check (id < 1000000) not valid',
    )
  })

  it('waits for a long migration, and tells of it once', async () => {
    const before = interruptions()
    const rounds = new Set<string>()
    await withClient(active.url(), async (migration) => {
      await migration.query('begin; lock table wide in access exclusive mode')
      await standby.engine.resynchronise()
      await eventually(
        async () => {
          const { rows } = await active.sql.query<{ pid: string }>(
            `select pid::text from pg_stat_activity where application_name = 'hot-standby copy'`,
          )
          for (const { pid } of rows) rounds.add(pid)
          return rounds.size >= 3
        },
        'three rounds',
        30_000,
      )
      assert.match(standby.engine.status().reason, /lock timeout.*goes on/)
      await migration.query('rollback')
    })
    const done = copies()
    await eventually(() => copies() > done, 'the end of the copy', 30_000)
    assert.equal(interruptions(), before + 1)
  })

  for (let seed = 1; seed <= SEEDS; seed += 1)
    it(`is exact whatever comes between its rounds (seed ${seed})`, async () => {
      const random = seeded(seed)
      let left = 5
      const before = interruptions()
      let cuts = 0
      onStep = async (step, place) => {
        if (step === 'beforeCommit') {
          await compare(place)
          cuts += 1
        }
        if (left === 0 || !random.chance(0.2)) return
        left -= 1
        // One that meets a key which is there already changes nothing.
        for (let n = 0; n < 3; n += 1)
          await active.sql.query(random.pick(CHANGES)(++changes)).catch(unlessDuplicate)
        await active.sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hot-standby copy'`,
        )
      }
      await copyAgain()
      onStep = null
      assert.ok(cuts > 0)
      assert.ok(interruptions() > before)
      await inSync(active, standby)
      const check = await standby.engine.check({ repair: false })
      assert.deepEqual(check.differences, [])
    })

  it('keeps the values that are this server’s own', async () => {
    const { rows } = await standby.sql.query<{ own: string }>('select distinct own from a')
    assert.ok(rows.some(({ own }) => own === 'ours'))
  })
})

function unlessDuplicate(error: unknown): void {
  if (sqlStateOf(error) !== '23505') throw error
}

function tableOf(place: StepPlace): string {
  return (place as TableTransfer).target.name
}

async function rowsOf(db: Queryable, table: string): Promise<readonly string[]> {
  const columns = table === 'a' ? 'id, v' : '*'
  const { rows } = await db.query<{ row: string }>(
    `select r::text as row from (select ${columns} from public.${table}) r order by 1`,
  )
  return rows.map(({ row }) => row)
}
