import assert from 'node:assert/strict'
import { BATCH_STEPS, type BatchStep, type OnStep } from '../../../plugin/replication/batch-step.ts'
import {
  eventually,
  inSync,
  startServer,
  type TestServer,
  useClusters,
} from '../../support/database.ts'

const TABLES = 'create table t (id int primary key, v text)'

describe('steps of the batch protocol', function () {
  this.timeout(60_000)
  const clusters = useClusters()
  const seen: BatchStep[] = []
  let active: TestServer
  let standby: TestServer
  let looking: TestServer | null = null

  before(async () => {
    const onStep = (step: BatchStep): Promise<void> => Promise.resolve(void seen.push(step))
    active = await startServer(clusters().first, 'active', { ddl: TABLES, onStep })
    standby = await startServer(clusters().second, 'standby', { ddl: TABLES, onStep })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
  })

  after(async () => {
    await Promise.all([active?.close(), standby?.close(), looking?.close()])
  })

  it('are all reached by one change, in their order', async () => {
    await eventually(() => seen.at(-1) === 'purged', 'a rest')
    seen.length = 0
    await active.sql.query(`insert into t values (1, 'x')`)
    // What the active does with the acknowledgement may be seen before its sender knows that it has arrived.
    const ends: readonly BatchStep[] = ['acknowledged', 'purged']
    await eventually(() => ends.every((step) => seen.includes(step)), 'the purge')
    const inOrder = (step: BatchStep): boolean => step !== 'tickWritten' && !ends.includes(step)
    assert.deepEqual([...new Set(seen)].filter(inOrder), BATCH_STEPS.filter(inOrder))
    assert.ok(seen.indexOf('tickWritten') > seen.indexOf('snapshotTaken'))
    assert.ok(seen.indexOf('tickWritten') < seen.indexOf('acknowledged'))
  })

  it('show the cut of the batch and what will be committed', async () => {
    const cut: string[] = []
    const { engine } = standby
    await engine.close()
    looking = await startFollowing(async (step, place) => {
      if (step !== 'beforeCommit' || place === null) return
      await active.sql.query(`update t set v = 'after the cut' where id = 1`)
      for (const db of [place.reader, place.writer]) {
        const { rows } = await db.query<{ v: string }>('select v from public.t where id = 1')
        cut.push(rows[0]?.v ?? 'missing')
      }
    })
    await eventually(() => cut.length > 1, 'a batch')
    assert.equal(cut[0], cut[1])
    assert.notEqual(cut[0], 'after the cut')
  })

  async function startFollowing(onStep: OnStep): Promise<TestServer> {
    const other = await startServer(clusters().second, 'other', { ddl: TABLES, onStep })
    await other.engine.follow(active.source(), 'test')
    return other
  }
})
