import assert from 'node:assert/strict'
import { mergeTables } from '../../../plugin/node-agent/merge-tables.ts'
import { TableActivity } from '../../../plugin/replication/table-activity.ts'

const journaled = (name: string, oldest: number, newest: number) => ({
  schema: 'public',
  name,
  rows: newest - oldest + 1,
  oldestSeq: String(oldest),
  newestSeq: String(newest),
  rowBytes: 100,
})

describe('the activity of tables, by the journal of the active', () => {
  const at = (ms: number): string => new Date(ms).toISOString()

  it('knows nothing before there is a standby to compare with', () => {
    const activity = new TableActivity(() => 1000)
    assert.deepEqual(activity.of('public.t'), { lag: null, lastChangeAt: null })
    activity.counted([journaled('t', 1, 5)], false)
    assert.deepEqual(activity.of('public.t'), { lag: null, lastChangeAt: null })
  })

  it('counts the age from when the oldest change was first seen, and ends it when that is there', () => {
    let now = 1000
    const activity = new TableActivity(() => now)
    activity.counted([journaled('t', 1, 5)], true)
    now = 4000
    activity.counted([journaled('t', 1, 9)], true)
    assert.deepEqual(activity.of('public.t').lag, { rows: 9, ageMs: 3000 })
    activity.counted([journaled('t', 8, 9)], true)
    assert.deepEqual(activity.of('public.t').lag, { rows: 2, ageMs: 0 })
    activity.counted([], true)
    assert.deepEqual(activity.of('public.t').lag, { rows: 0, ageMs: 0 })
  })

  it('takes for a change of now only what was not there at the first look, counted or purged', () => {
    let now = 1000
    const activity = new TableActivity(() => now)
    activity.purged([journaled('t', 1, 2)])
    activity.counted([journaled('t', 3, 5)], true)
    assert.equal(activity.of('public.t').lastChangeAt, null)
    now = 2000
    activity.purged([journaled('t', 3, 6)])
    assert.equal(activity.of('public.t').lastChangeAt, at(2000))
    now = 3000
    activity.counted([journaled('t', 6, 6)], true)
    assert.equal(activity.of('public.t').lastChangeAt, at(2000))
  })

  it('is one list of both servers, with the later change', () => {
    const table = {
      name: 'public.t',
      state: 'replicated',
      reason: null,
      capture: 'key',
      rows: 3,
      lastChangeAt: at(1000),
      lastCheckedAt: at(500),
      lag: null,
    } as const
    const lag = { rows: 1, ageMs: 20 }
    const [merged] = mergeTables([table], [{ ...table, rows: 9, lastChangeAt: at(3000), lag }])
    assert.deepEqual(merged, { ...table, lastChangeAt: at(3000), lag })
    assert.deepEqual(mergeTables([table], []), [table])
  })
})
