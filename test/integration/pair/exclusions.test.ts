import assert from 'node:assert/strict'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

const DDL = `
  create table extension (number text primary key, registered_at text);
  create table licence (key text primary key)`

describe('exclusions among the settings of a pair', function () {
  this.timeout(120_000)
  let pair: AgentPair

  before(async () => {
    pair = await startAgentPair({ ddl: DDL })
    await pair.primary.sql(
      "insert into extension values ('1', 'a'); insert into licence values ('of both')",
    )
  })
  after(async () => {
    await pair.close()
  })

  const exclude = (lists: { tables?: readonly string[]; columns?: readonly string[] }) =>
    pair.primary.client.saveSettings({ pair: { exclude: lists } })
  const leftOut = async (server: PairServer): Promise<readonly string[]> => {
    const { replication } = await server.client.status()
    return replication.notReplicated.filter(({ why }) => why === 'excluded').map(({ name }) => name)
  }
  const untilLeftOut = (names: readonly string[]): Promise<void> =>
    waitUntil(
      `left out: ${names.join()}`,
      async () => {
        const lists = await Promise.all([leftOut(pair.primary), leftOut(pair.secondary)])
        return lists.every((list) => list.join() === names.join())
      },
      20_000,
    )
  const onStandby = async (table: string): Promise<string> =>
    JSON.stringify(await pair.secondary.sql(`select * from ${table} order by 1`))

  it('are refused by name when the database has no such table or column, and nothing is saved', async () => {
    await assert.rejects(
      exclude({ tables: ['licence', 'license'], columns: ['extension.seen', 'none.seen'] }),
      (error: HotStandbyError) => {
        assert.equal(error.code, 'HS_SETTINGS_INVALID')
        assert.deepEqual(
          error.details.fields?.map(({ field, value }) => [field, value]),
          [
            ['pair.exclude.tables.1', '"license"'],
            ['pair.exclude.columns.0', '"extension.seen"'],
            ['pair.exclude.columns.1', '"none.seen"'],
          ],
        )
        return true
      },
    )
    const { settings } = await pair.primary.client.status()
    assert.equal(settings.pair?.exclude, undefined)
  })

  it('take effect on both servers while everything goes on, without an alarm', async () => {
    await waitUntil('the copy', async () => (await onStandby('licence')).includes('of both'))
    await exclude({ tables: ['licence'], columns: ['extension.registered_at'] })
    await untilLeftOut(['public.licence', 'public.extension.registered_at'])
    await pair.primary.sql(
      "update licence set key = 'of the active'; update extension set registered_at = 'active'; insert into extension values ('2', 'active')",
    )
    await waitUntil('the new row', async () => (await onStandby('extension')).includes('"2"'))
    assert.equal(await onStandby('licence'), '[{"key":"of both"}]')
    assert.match(await onStandby('extension'), /"1","registered_at":"a"/)
    // A list that is not given keeps its value.
    await exclude({ tables: [] })
    await untilLeftOut(['public.extension.registered_at'])
    await waitUntil('the licence', async () =>
      (await onStandby('licence')).includes('of the active'),
    )
    await exclude({ columns: [] })
    await untilLeftOut([])
    await waitUntil('the value', async () => !(await onStandby('extension')).includes('"a"'))
    await pair.whole()
    for (const server of [pair.primary, pair.secondary])
      for (const kind of ['tableQuarantined', 'requirementFailed', 'synchronisationFailed'])
        assert.deepEqual(
          (await server.client.events({ kind })).events,
          [],
          `${server.name} ${kind}`,
        )
    const check = await pair.primary.client.check({})
    assert.deepEqual(check.differences, [])
  })
})
