import assert from 'node:assert/strict'
import { eventually } from '../../support/database.ts'
import { usePair } from '../../support/pair.ts'

const HOUR_MS = 3_600_000

for (const [name, skewMs] of [
  ['ahead', HOUR_MS],
  ['behind', -HOUR_MS],
] as const)
  describe(`a standby whose clock is an hour ${name}`, function () {
    this.timeout(60_000)
    const pair = usePair({
      ddl: 'create table t (id int primary key, v text)',
      standby: { clock: { now: () => Date.now() + skewMs } },
    })

    it('is in sync, and both servers tell a lag that the clocks do not falsify', async () => {
      const { active, standby, run, same } = pair()
      await run(`insert into t values (1, 'a')`)
      await same('t')
      await eventually(() => active.engine.status().lag?.rows === 0, 'no lag on the active')
      assert.equal(standby.engine.status().inSync, true)
      assert.equal(standby.engine.status().lag?.ageMs, 0)
      const pausedAt = Date.now()
      standby.engine.setPaused(true)
      await eventually(() => standby.engine.status().phase === 'paused', 'paused')
      await run(`insert into t values (2, 'b')`)
      await eventually(() => active.engine.status().lag?.rows === 1, 'a change that waits')
      await eventually(() => (active.engine.status().lag?.ageMs ?? 0) > 0, 'an age')
      for (const { engine } of [active, standby]) {
        const { lag } = engine.status()
        assert.ok((lag?.ageMs ?? Infinity) <= Date.now() - pausedAt + 5000, JSON.stringify(lag))
      }
      standby.engine.setPaused(false)
      await same('t')
      await eventually(() => active.engine.status().lag?.rows === 0, 'no lag again')
    })
  })
