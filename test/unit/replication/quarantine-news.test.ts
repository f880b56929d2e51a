import assert from 'node:assert/strict'
import { QuarantineNews } from '../../../plugin/replication/announce.ts'
import { EngineEvents } from '../../../plugin/replication/engine-events.ts'
import { NOT_CAPTURED } from '../../../plugin/replication/table-pairs.ts'
import { TableStates } from '../../../plugin/replication/table-states.ts'

/** States in which these tables are quarantined, for these reasons; the others are replicated. */
function statesOf(quarantined: Readonly<Record<string, string>>): TableStates {
  return new TableStates(
    ['a', 'b'].map((name) => ({
      schema: 'public',
      name,
      state: quarantined[name] === undefined ? 'replicated' : 'quarantined',
      reason: quarantined[name] ?? null,
      sourceSignal: null,
      lastChangeAt: null,
      lastCheckedAt: null,
      rowCount: null,
    })),
  )
}

describe('news of tables that cannot be synchronised', () => {
  let now = 0
  const told: string[] = []
  const events = new EngineEvents()
  events.on('history', ({ kind, reason }) => told.push(`${kind} ${reason}`))
  const newsOf = (states: TableStates) => new QuarantineNews(events, () => now, states)
  beforeEach(() => {
    now = 0
    told.length = 0
  })

  it('come once, and once more when it is over', () => {
    const news = newsOf(statesOf({}))
    for (let look = 0; look < 3; look++) news.tell(statesOf({ a: 'no column x' }))
    news.tell(statesOf({}))
    news.tell(statesOf({}))
    assert.deepEqual(told, [
      'tableQuarantined public.a: no column x',
      'tableRecovered public.a was copied afresh',
    ])
  })

  it('do not repeat what was told before, and tell its end', () => {
    const news = newsOf(statesOf({ a: 'no column x' }))
    news.tell(statesOf({ a: 'no column x' }))
    news.tell(statesOf({}))
    assert.deepEqual(told, ['tableRecovered public.a was copied afresh'])
  })

  it('wait for a new table until the active had the time to capture it', () => {
    const news = newsOf(statesOf({ a: NOT_CAPTURED }))
    news.tell(statesOf({ a: NOT_CAPTURED, b: NOT_CAPTURED }))
    now = 5000
    news.tell(statesOf({ a: NOT_CAPTURED }))
    assert.deepEqual(told, [], 'b was captured meanwhile, a may still be')
    now = 10_000
    news.tell(statesOf({ a: NOT_CAPTURED, b: NOT_CAPTURED }))
    assert.deepEqual(told, [`tableQuarantined public.a: ${NOT_CAPTURED}`], 'b is new again')
  })
})
