import assert from 'node:assert/strict'
import type { AgentConfig } from '../../../plugin/config/agent-config.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'
import {
  eventually,
  inSync,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
} from '../../support/database.ts'

type Exclude = AgentConfig['database']['exclude']

const TABLES = `
  create table setting (id int primary key, scope text, value text, seen_at timestamptz);
  create table note (scope text, v text);
  create table hall (id int, scope text, v text, primary key (id)) partition by range (id);
  create table hall_1 partition of hall for values from (minvalue) to (100);
  create table hall_2 partition of hall for values from (100) to (maxvalue);`
const OWN_ROWS = `
  insert into setting values (100, 'server', 'own'), (101, 'server', 'own');
  insert into note values ('server', 'own'), ('server', 'own');
  insert into hall values (50, 'server', 'own'), (150, 'server', 'own');`
const SHARED_ROWS = `
  insert into setting select n, case n % 3 when 0 then 'server' when 1 then 'pair' end, 'v' || n from generate_series(1, 30) n;
  insert into note select case n % 2 when 0 then 'server' else 'pair' end, 'v' from generate_series(1, 10) n;
  insert into hall select n, case n % 2 when 0 then 'server' else 'pair' end, 'v' from generate_series(90, 110) n;`
const ROWS = {
  setting: `scope = 'server'`,
  'public.note': `scope = 'server'`,
  hall: `scope = 'server'`,
}
const FILTERED = ['setting', 'note', 'hall'] as const

const exclude = (rows: Exclude['rows']): Exclude => ({ tables: [], columns: {}, rows })

describe('rows that belong to one server', function () {
  this.timeout(60_000)
  const clusters = useClusters()
  let one: TestServer
  let two: TestServer

  /** The active has the conditions; the standby only some of them: those of either server count. */
  before(async () => {
    const rows = { setting: ROWS.setting }
    one = await startServer(clusters().first, 'one', {
      ddl: `${TABLES}${SHARED_ROWS}`,
      config: { exclude: exclude(ROWS) },
    })
    two = await startServer(clusters().second, 'two', {
      ddl: `${TABLES}${OWN_ROWS}; insert into setting values (1, 'pair', 'to be replaced'), (999, null, 'to go')`,
      config: { exclude: exclude(rows) },
    })
    await one.engine.promote(1)
    await two.engine.follow(
      one.source(() => 1),
      'test',
    )
    await inSync(one, two)
  })

  after(async () => {
    await Promise.all([one?.close(), two?.close()])
  })

  /** What is replicated is equal, and what belongs to the standby is as it was, also for a condition that is null. */
  async function requireExact(what: string): Promise<void> {
    await inSync(one, two)
    for (const table of FILTERED) {
      const replicated = `(select * from ${table} where scope is distinct from 'server') t`
      assert.deepEqual(await rowsOf(two, replicated), await rowsOf(one, replicated), what)
      const own = await rowsOf(
        two,
        `(select v.value from (select to_jsonb(t) as j from ${table} t) x
        cross join lateral (select coalesce(j ->> 'value', j ->> 'v') as value) v where j ->> 'scope' = 'server') t`,
      )
      assert.deepEqual(own, ['(own)', '(own)'], `${what}: ${table}`)
    }
    assert.equal((await two.engine.check({ repair: false })).differences.length, 0, what)
  }

  it('are neither copied nor deleted by the first copy', async () => {
    await requireExact('the first copy')
    assert.ok((await rowsOf(two, 'setting')).length > 10)
  })

  it('appear and disappear on the standby as they move across the condition', async () => {
    await one.sql.query(`update setting set scope = 'server' where id = 1;
      update setting set scope = 'pair' where id = 3; update setting set scope = null where id = 6;
      update setting set id = 200, scope = 'pair' where id = 9;
      update setting set id = 201, scope = 'server' where id = 4;
      update hall set scope = 'server' where id = 91; update hall set scope = 'pair' where id = 92;
      update hall set id = 120, scope = 'pair' where id = 94;
      update note set scope = 'moved' where ctid = (select min(ctid) from note where scope = 'server')`)
    await requireExact('small changes')
    assert.deepEqual(
      await rowsOf(two, `(select id from setting where id in (1, 3, 4, 9, 200, 201)) t`),
      ['(200)', '(3)'],
    )
    await one.sql.query(
      `update setting set scope = case when scope = 'server' then 'pair' else 'server' end;
       insert into setting select n, case when n % 2 = 0 then 'server' end, 'many' from generate_series(1000, 4000) n;
       delete from setting where id between 1500 and 1600; delete from hall where id = 91`,
    )
    await requireExact('a batch that is streamed')
  })

  it('stay when the active truncates the table, and when everything is copied again', async () => {
    await one.sql.query('truncate setting, note, hall')
    await requireExact('truncated')
    await one.sql.query(SHARED_ROWS)
    await two.engine.resynchronise()
    await eventually(
      () => two.history.filter(({ kind }) => kind === 'resynchronisationDone').length === 2,
      'a second copy',
    )
    await requireExact('copied again')
  })

  it('are left out of the check, and untouched by its repair', async () => {
    await two.sql.query(`set session_replication_role = replica; set hot_standby.applying = on;
      update setting set value = 'wrong' where id = 1; delete from hall where id = 91;
      insert into note values ('pair', 'extra'); reset session_replication_role; reset hot_standby.applying`)
    const found = await two.engine.check({ repair: true })
    assert.deepEqual(found.differences.map(({ table }) => table).sort(), [
      'public.hall',
      'public.note',
      'public.setting',
    ])
    await requireExact('repaired')
  })

  it('may be written on the standby, the others may not', async () => {
    await two.sql.query(
      `insert into setting values (102, 'server', 'x'); delete from setting where id = 102`,
    )
    await assert.rejects(two.sql.query(`update setting set scope = 'pair' where id = 100`), {
      code: 'HS423',
    })
    const listed = two.engine.status().notReplicated.filter(({ kind }) => kind === 'rows')
    assert.deepEqual(
      listed.map(({ name }) => name).sort(),
      FILTERED.map((t) => `public.${t}`).sort(),
    )
  })

  it('whose key the other server replicates are an alarm that names the table, until they are gone', async () => {
    await one.sql.query(`insert into setting values (100, 'pair', 'the same key')`)
    const state = (): string | null | undefined =>
      two.engine.status().tables.find(({ name }) => name === 'public.setting')?.reason
    await eventually(() => /duplicate key/.test(state() ?? ''), 'the table is quarantined')
    assert.match(state() ?? '', /setting_pkey/)
    await one.sql.query(`insert into note values ('pair', 'others go on')`)
    await inSync(one, two)
    await two.sql.query(`update setting set id = 103 where id = 100`)
    await eventually(() => state() === null, 'it heals by itself')
    await requireExact('healed')
  })

  it('are described by a condition that PostgreSQL has judged: hostile ones name field, value and remedy', async () => {
    const refused = async (rows: Exclude['rows'], columns = {}): Promise<string> => {
      const config = { exclude: { tables: [], columns, rows } }
      const error: unknown = await startServer(clusters().first, 'bad', {
        ddl: TABLES,
        config,
      }).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      assert.ok(error instanceof HotStandbyError && error.code === 'HS_CONFIG_INVALID')
      const [field] = error.details.fields ?? []
      assert.equal(field?.field, 'database.exclude.rows.setting')
      assert.ok((field?.remedy ?? '') !== '')
      return `${field?.value} ${field?.message}`
    }
    assert.match(await refused({ setting: 'missing = 1' }), /"missing", which is no column/)
    assert.match(await refused({ setting: 'value' }), /PostgreSQL: .*boolean/)
    assert.match(await refused({ setting: `id = 'many'` }), /PostgreSQL: .*integer/)
    assert.match(await refused({ setting: `seen_at = value` }), /PostgreSQL: .*operator/)
    const own = await refused({ setting: `scope = 'x'` }, { setting: ['scope'] })
    assert.match(own, /keeps its own value/)
  })
})
