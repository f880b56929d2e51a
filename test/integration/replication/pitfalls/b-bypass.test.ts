import assert from 'node:assert/strict'
import { createReplicationEngine } from '../../../../plugin/replication/engine.ts'
import { eventually, inSync, rowsOf } from '../../../support/database.ts'
import { usePair } from '../../../support/pair.ts'

const TABLES = `
  create table t (id int primary key, v text);
  create table u (id int primary key, number int not null);
  create table bag (v text);
  create table loose (id int primary key, v text);
  create table swapped (id int primary key, v text);
  create table restored (id int primary key, v text);
  create table part (id int, region text, v text, primary key (id, region)) partition by list (region);
  create table part_a partition of part for values in ('a');
  create table part_b partition of part for values in ('b');`

describe('pitfalls B: capture that is bypassed', function () {
  this.timeout(60_000)
  const pair = usePair({ ddl: TABLES })
  /** Noticed within one look (2 s) and mended within the next. */
  const SOON_MS = 10_000

  it('B6: a leaf whose trigger is disabled, and one that is made later', async () => {
    const { run, standby, same, toldOf } = pair()
    await run(`alter table part_a disable trigger all; insert into part_a values (1, 'a', 'unseen');
      alter table part_a enable trigger all`)
    await toldOf('captureRepaired', /public\.part /)
    await same('part')
    await run(
      `create table part_c partition of part for values in ('c'); insert into part_c values (7, 'c', 'new')`,
    )
    await standby.sql.query(`create table part_c partition of part for values in ('c')`)
    await eventually(
      async () => (await rowsOf(standby, 'part')).includes('(7,c,new)'),
      'the rows of a new partition',
    )
    await same('part')
  })

  it('B7: partitions attached with their rows, detached and dropped', async () => {
    const { run, standby, same } = pair()
    await run(`create table part_d (id int not null, region text not null, v text);
      insert into part_d values (8, 'd', 'attached')`)
    await standby.sql.query(`create table part_d partition of part for values in ('d')`)
    await run(`alter table part attach partition part_d for values in ('d')`)
    const has = async (id: number): Promise<boolean> =>
      (await rowsOf(standby, 'part')).some((row) => row.startsWith(`(${id},`))
    await eventually(() => has(8), 'the rows attached')
    await run('alter table part detach partition part_d')
    await eventually(async () => !(await has(8)), 'the rows detached')
    await run('drop table part_c')
    await eventually(async () => !(await has(7)), 'the rows dropped')
    await standby.sql.query('drop table part_c, part_d')
    await run('drop table part_d')
    await same('part')
  })

  it('B9: a rewrite or a volatile default that changes rows without a trigger is copied afresh, with an event', async () => {
    const { run, standby, same, toldOf } = pair()
    await run(`insert into u values (50, 7)`)
    await same('u')
    await run(`alter table u alter number type int using number * 2`)
    await toldOf('captureRepaired', /public\.u /)
    await same('u')
    await standby.sql.query('alter table u add column made uuid default gen_random_uuid()')
    await run('alter table u add column made uuid default gen_random_uuid()')
    await eventually(async () => {
      const [theirs, ours] = await Promise.all([rowsOf(pair().active, 'u'), rowsOf(standby, 'u')])
      return theirs.join() === ours.join()
    }, 'the same random values')
    await same('u')
  })

  it('B10: disabling and enabling triggers around a change is noticed, and capture made whole again', async () => {
    const { active, run, same, toldOf } = pair()
    await run(
      `alter table t disable trigger all; insert into t values (60, 'bypassed'); alter table t enable trigger all`,
    )
    await toldOf('captureRepaired', /public\.t /)
    await same('t')
    // ENABLE TRIGGER leaves it blind to replica mode; that is mended too.
    await eventually(
      () => active.history.some((entry) => /installed again: .*public\.t/.test(entry.reason)),
      'the repair',
      SOON_MS,
    )
    await run(
      `begin; set local session_replication_role = replica; insert into t values (61, 'loaded'); commit`,
    )
    await same('t')
  })

  it('B11: what is written in replica mode is captured, whole statements and partitions too', async () => {
    const { run, same, standby } = pair()
    await run(`begin; set local session_replication_role = replica; insert into loose values (62, 'loaded');
      update u set number = number + 500; commit`)
    await run(`begin; set local session_replication_role = replica; insert into part_a values (9, 'a', 'loaded');
      truncate bag; delete from part_a where id = 1; commit`)
    await same('loose', 'u', 'part', 'bag')
    assert.ok((await rowsOf(standby, 'loose')).includes('(62,loaded)'))
  })

  it('B11: a user who may not replicate cannot hide behind our own setting', async () => {
    const { run, same } = pair()
    await run(
      `set hot_standby.applying = on; insert into loose values (63, 'not hidden'); reset hot_standby.applying`,
    )
    await same('loose')
  })

  it('B12: dropped triggers are told, installed again by themselves, and the rows copied', async () => {
    const { active, run, same, told } = pair()
    const { rows } = await active.sql.query<{ tgname: string }>(
      `select tgname from pg_trigger where tgrelid = 'bag'::regclass and tgname like 'hot_standby%'`,
    )
    for (const { tgname } of rows) await run(`drop trigger ${tgname} on bag`)
    await run(`insert into bag values ('unseen')`)
    await eventually(
      () => active.history.some((entry) => /installed again: public\.bag/.test(entry.reason)),
      'capture installed again',
      SOON_MS,
    )
    await eventually(
      () =>
        [...told('captureRepaired'), ...told('tableRecovered')].some((text) => /bag/.test(text)),
      'the event of the standby',
    )
    await same('bag')
    await run(`insert into bag values ('seen')`)
    await same('bag')
  })

  it('B12: one trigger dropped of several is as bad as all of them', async () => {
    const { active, run, same } = pair()
    const { rows } = await active.sql.query<{ tgname: string }>(
      `select tgname from pg_trigger where tgrelid = 'loose'::regclass and tgname like 'hot_standby%update'`,
    )
    await run(`drop trigger ${rows[0]?.tgname} on loose; update loose set v = 'unseen'`)
    await eventually(
      () => active.history.some((entry) => /installed again: public\.loose/.test(entry.reason)),
      'capture installed again',
      SOON_MS,
    )
    await eventually(async () => {
      await inSync(active, pair().standby)
      return (await rowsOf(pair().standby, 'loose')).every((row) => row.endsWith('unseen)'))
    }, 'the rows')
    await same('loose')
  })

  it('B12: a table re-created, and one swapped by renaming', async () => {
    const { active, run, same, standby } = pair()
    await run(`insert into swapped values (1, 'old'); begin; drop table loose; create table loose (id int primary key, v text);
      insert into loose values (1, 'anew'); commit;
      create table shadow (like swapped including all); insert into shadow values (2, 'swapped in');
      begin; alter table swapped rename to former; alter table shadow rename to swapped; drop table former; commit`)
    await eventually(async () => {
      await inSync(active, standby)
      const [loose, swapped] = [await rowsOf(standby, 'loose'), await rowsOf(standby, 'swapped')]
      return loose.join() === '(1,anew)' && swapped.join() === '(2,"swapped in")'
    }, 'the rows of both')
    await run(`update loose set v = 'captured'; update swapped set v = 'captured'`)
    await same('loose', 'swapped')
  })

  it('B12: a dump restored with --clean loads its rows before it makes its triggers', async () => {
    const { active, run, same } = pair()
    await run(`insert into restored values (1, 'before')`)
    await same('restored')
    // What pg_dump writes for the triggers of this table.
    const { rows } = await active.sql.query<{ def: string }>(
      `select pg_get_triggerdef(oid) || ';' || format('alter table restored enable always trigger %I;', tgname) as def
       from pg_trigger where tgrelid = 'restored'::regclass and not tgisinternal`,
    )
    await run(`begin; drop table restored; create table restored (id int, v text);
      insert into restored values (2, 'from the dump'); alter table restored add primary key (id);
      ${rows.map((row) => row.def).join('')} commit`)
    await eventually(
      async () => (await rowsOf(pair().standby, 'restored')).join() === '(2,"from the dump")',
      'the restored rows',
    )
    await run(`insert into restored values (3, 'after')`)
    await same('restored')
  })

  it('B13: a database that was restored into another cluster is refused, with the remedy', async () => {
    const { active, run } = pair()
    const schema = `"hot ""stand"" by.ñ"`
    await run(`update ${schema}.server_state set system_identifier = '1'`)
    const engine = createReplicationEngine({ config: active.config, serverId: 'active' })
    try {
      await assert.rejects(engine.open(), (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'HS_DATABASE_FOREIGN')
        return true
      })
    } finally {
      await engine.close()
      await run(
        `update ${schema}.server_state set system_identifier = (select system_identifier::text from pg_control_system())`,
      )
    }
  })
})
