import assert from 'node:assert/strict'
import type { CatchUpProgress } from '../../../plugin/api/status-document.ts'
import { eventually, inSync, withClient } from '../../support/database.ts'
import { usePair } from '../../support/pair.ts'

const CALLS = `create table call (id int primary key, caller text, seconds int);
  create table extension (id int primary key, name text);
  insert into extension select n, 'n' || n from generate_series(1, 2000) n;`
/** What a day brings in small transactions, here in seconds. */
const AWAY = `do $$ begin
  for i in 1..1000 loop
    insert into call select i * 100 + n, '+49 30 ' || n, n from generate_series(0, 97) n;
    update extension set name = name || '.' where id in (1 + i % 1000, 1001 + i % 1000);
    commit;
  end loop; end $$`

describe('a standby that was away', function () {
  this.timeout(120_000)
  const pair = usePair({ ddl: CALLS })

  it('catches up with 100,000 changes without a copy, and shows how far it is', async () => {
    const { active, standby, told } = pair()
    await standby.restartEngine()
    await withClient(active.url(), (client) => client.query(AWAY))
    await eventually(() => {
      const lag = active.engine.status().lag
      return lag?.rows === 100_000 && lag.bytes > 1_000_000 && lag.ageMs > 0
    }, 'the lag in rows, bytes and time')
    const seen: CatchUpProgress[] = []
    const look = setInterval(() => {
      const { catchUp } = standby.engine.status()
      if (catchUp !== null && catchUp !== seen.at(-1)) seen.push(catchUp)
    }, 5)
    try {
      await standby.engine.follow(active.source(), 'back')
      await inSync(active, standby, 60_000)
    } finally {
      clearInterval(look)
    }
    const done = seen.map(({ changes }) => changes.done)
    assert.ok(done.length >= 2, `progress was seen ${done.length} times`)
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
    )
    assert.ok(seen.every(({ changes }) => changes.total === 100_000))
    assert.ok(seen.some(({ changes, remainingMs }) => changes.done > 0 && (remainingMs ?? 0) > 0))
    assert.equal(standby.engine.status().catchUp, null)
    assert.equal(told('resynchronisationStarted').length, 1, 'only the first copy')
    assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
    await eventually(() => active.engine.status().lag?.rows === 0, 'no lag')
  })
})
