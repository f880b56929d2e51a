import assert from 'node:assert/strict'
import { quoteName } from '../../../plugin/db/identifiers.ts'
import { NO_EXCLUSIONS, type PairExclusions } from '../../../plugin/core/settings.ts'
import { eventually, inSync, ODD_SCHEMA, rowsOf } from '../../support/database.ts'
import { usePair } from '../../support/pair.ts'

const SCHEMA = quoteName(ODD_SCHEMA)
const TABLES = `
  create table licence (id int primary key, v text);
  create table device (id int primary key, v text, seen text);
  create table call (id int primary key, v text);
  insert into licence values (1, 'a'); insert into device values (1, 'a', 'a'); insert into call values (1, 'a')`

describe('what the settings of the pair leave out', function () {
  this.timeout(60_000)
  const pair = usePair({ ddl: TABLES })

  const use = (exclude: PairExclusions): void => {
    pair().standby.engine.setExclusions(exclude)
    pair().active.engine.setExclusions(exclude)
  }
  const leftOut = (): readonly string[] =>
    pair()
      .standby.engine.status()
      .notReplicated.filter(({ why }) => why === 'excluded')
      .map(({ name }) => name)
  const isCaptured = async (table: string): Promise<boolean> => {
    const { rows } = await pair().active.sql.query(
      `select from pg_trigger where tgrelid = $1::regclass and tgname like 'hot\\_standby\\_%'`,
      [table],
    )
    return rows.length > 0
  }

  it('stays on each server from then on, and is copied afresh when it is wanted again', async () => {
    const { active, standby, run, same, told } = pair()
    await same('licence', 'device', 'call')
    use({ tables: ['licence'], columns: [] })
    await eventually(async () => !(await isCaptured('licence')), 'capture ends on the active')
    await eventually(() => leftOut().includes('public.licence'), 'it is listed as left out')
    await run(`update licence set v = 'active'; update call set v = 'replicated'`)
    await same('call')
    assert.deepEqual(await rowsOf(standby, 'licence'), ['(1,a)'])
    await eventually(async () => {
      await standby.sql.query(`update licence set v = 'standby'`).catch(() => undefined)
      return (await rowsOf(standby, 'licence'))[0] === '(1,standby)'
    }, 'the standby may write it')
    use(NO_EXCLUSIONS)
    await eventually(() => isCaptured('licence'), 'capture begins on the active')
    await eventually(
      async () => (await rowsOf(standby, 'licence'))[0] === '(1,active)',
      'it is copied afresh',
    )
    await run(`update licence set v = 'replicated'`)
    await same('licence', 'device', 'call')
    assert.deepEqual(told('tableQuarantined'), [])
    assert.equal((await standby.engine.check({ repair: false })).differences.length, 0)
    assert.equal(active.engine.status().tables.length, 3)
  })

  it('can be a column, which gets its value back from the active when it is wanted again', async () => {
    const { standby, run, same } = pair()
    use({ tables: [], columns: ['public.device.seen'] })
    await eventually(() => leftOut().includes('public.device.seen'), 'it is listed as left out')
    await eventually(async () => {
      const { rows } = await pair().active.sql.query<{ text: string }>(
        `select excluded_columns::text as text from ${SCHEMA}.captured_table where table_name = 'device'`,
      )
      return rows[0]?.text === '{seen}'
    }, 'the active knows it')
    await run(`update device set v = 'both', seen = 'active'`)
    await eventually(
      async () => (await rowsOf(standby, 'device'))[0] === '(1,both,a)',
      'the rest of the row is there',
    )
    use(NO_EXCLUSIONS)
    await eventually(
      async () => (await rowsOf(standby, 'device'))[0] === '(1,both,active)',
      'the column is there',
    )
    await same('device')
  })

  for (const [what, exclude] of [
    ['a table', { tables: ['public.licence'], columns: [] }],
    ['a column', { tables: [], columns: ['licence.v'] }],
  ] as const)
    it(`is not missed when only the standby left it out for a while: ${what}`, async () => {
      const { active, standby, run, same } = pair()
      await same('licence')
      standby.engine.setExclusions(exclude)
      await eventually(() => leftOut().some((name) => name.includes('licence')), 'left out')
      await run(`update licence set v = v || '!'`)
      await inSync(active, standby)
      assert.notDeepEqual(await rowsOf(standby, 'licence'), await rowsOf(active, 'licence'))
      standby.engine.setExclusions(NO_EXCLUSIONS)
      await same('licence')
    })
})
