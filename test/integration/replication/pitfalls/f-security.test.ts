import assert from 'node:assert/strict'
import type pg from 'pg'
import { quoteName } from '../../../../plugin/db/identifiers.ts'
import { migrateDatabase } from '../../../../plugin/replication/migrate-database.ts'
import { ODD_SCHEMA, REPLICATOR, rowsOf, withClient } from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'

const SCHEMA = quoteName(ODD_SCHEMA)
const TABLES = `
  create table t (id int primary key, v text);
  create table secret (id int primary key, tenant int);
  alter table secret enable row level security;
  create policy own on secret using (tenant = 1);
  create table forced (id int primary key, tenant int);
  alter table forced enable row level security; alter table forced force row level security;
  create policy own on forced using (tenant = 1);`

describe('pitfalls F: security of capture', function () {
  this.timeout(60_000)
  const pair = usePair({ ddl: TABLES })

  it('F1, F2: a plain user can neither forge the journal nor get his own code called by capture', async () => {
    const { active, same } = pair()
    await withClient(active.url(), async (user) => {
      await user.query(
        `create role app_user login; grant select, insert, update on t to app_user; grant create on schema public to app_user`,
      )
      await user.query(`set role app_user; create temp table journal (seq int); create temp table capture_mode (last_value int);
        create function public.lower(text) returns text language sql as $$ select 'evil' $$;
        set search_path = public, pg_temp, pg_catalog`)
      await user.query(`insert into public.t (id, v) values (90, 'as a plain user')`)
      for (const statement of [
        `insert into ${SCHEMA}.journal (table_id, op) values (1, 'W')`,
        `delete from ${SCHEMA}.journal`,
        `select setval('${SCHEMA.replaceAll("'", "''")}.capture_mode', 1)`,
        `select ${SCHEMA}.wake_reader()`,
      ]) {
        const refused = await user.query(statement).catch((error: unknown) => error)
        assert.equal((refused as pg.DatabaseError).code, '42501', statement)
      }
    })
    await same('t')
  })

  it('F3: row level security is an alarm that names the table and the remedy, never a table with rows missing', async () => {
    const { active, standby, run, same, becomes } = pair()
    await run(`insert into secret values (1, 1), (2, 2); insert into forced values (1, 1), (2, 2)`)
    await becomes('public.secret', 'quarantined', /row-level security/)
    await becomes('public.forced', 'quarantined', /row-level security/)
    assert.equal(standby.engine.status().inSync, false)
    const report = await migrateDatabase(active.config)
    assert.deepEqual(report.capture.missingRights, [
      `alter role ${quoteName(REPLICATOR)} bypassrls;`,
    ])
    for (const server of [active, standby])
      for (const statement of report.capture.missingRights) await server.sql.query(statement)
    try {
      await becomes('public.secret', 'replicated')
      await becomes('public.forced', 'replicated')
      await same('secret', 'forced')
      assert.equal((await rowsOf(standby, 'forced')).length, 2)
    } finally {
      await same('t')
    }
  })

  it('F4: a table that the migrating role may not touch is reported with the reason, the others are captured', async () => {
    const { active, run } = pair()
    await run(`create role half login; grant hs_replicator to half; grant all on schema public to half;
      grant all on all tables in schema public to half; create table theirs (id int primary key)`)
    await run(`grant all on schema ${SCHEMA} to half; grant all on all tables in schema ${SCHEMA} to half;
      grant all on all sequences in schema ${SCHEMA} to half`)
    const config = { ...active.config, ownerUrl: active.url().replace('postgres@', 'half@') }
    const report = await migrateDatabase(config)
    const reason = report.capture.impossible.find((entry) => entry.name === 'public.theirs')?.reason
    assert.match(reason ?? '', /permission denied|must be owner/)
    await run('drop table theirs')
  })

  it('F5: capture that waits for a writer stops nobody else for long', async () => {
    const { active, run } = pair()
    await run('create table busy (id int primary key)')
    await withClient(active.url(), async (writer) => {
      await writer.query('begin; insert into busy values (1)')
      const migrating = migrateDatabase(active.config)
      const slowest = await withClient(active.url(), async (other) => {
        let longest = 0
        for (let n = 2; n < 40; n++) {
          const begun = performance.now()
          await other.query(`insert into busy values (${n})`)
          longest = Math.max(longest, performance.now() - begun)
        }
        return longest
      })
      assert.ok(slowest < 2000, `${slowest} ms`)
      await writer.query('commit')
      const report = await migrating
      assert.ok([...report.capture.installed, ...report.capture.unchanged].includes('public.busy'))
    })
  })
})
