import assert from 'node:assert/strict'
import type { CatchUpProgress } from '../../../plugin/api/status-document.ts'
import { CatchUpMonitor } from '../../../plugin/replication/catch-up-monitor.ts'
import type { TablePair } from '../../../plugin/replication/table-pairs.ts'

describe('progress of a standby that catches up', () => {
  const pair = (tableId: number, estimatedRows: number, estimatedBytes: number): TablePair =>
    ({ tableId, source: { estimatedRows, estimatedBytes } }) as unknown as TablePair

  it('moves while rows are deleted and while they are copied, also in a table that nobody has counted', () => {
    const told: CatchUpProgress[] = []
    let now = 0
    const window = [
      { tableId: 1, changes: 1000, wholeTable: false },
      { tableId: 2, changes: 3000, wholeTable: false },
    ]
    const monitor = new CatchUpMonitor(
      () => (now += 1000),
      window,
      (progress) => told.push(progress),
    )
    monitor.table(pair(1, 0, 0), 'begin')
    monitor.keys(1000)
    monitor.bytes(50_000)
    monitor.bytes(90_000_000)
    monitor.table(pair(1, 0, 0), 'end')
    monitor.table(pair(2, 10, 2000), 'begin')
    monitor.keys(3000)
    monitor.bytes(300_000)
    monitor.table(pair(2, 10, 2000), 'end')
    assert.deepEqual(
      told.map(({ changes }) => changes.done),
      [0, 0, 500, 750, 1000, 1000, 1000, 2500, 3250, 4000],
    )
    assert.deepEqual([told[0]?.remainingMs, told.at(-1)?.remainingMs], [null, 0])
    // Half is done after eight seconds and more: about as much again is left.
    const half = told.find(({ changes }) => changes.done === 2500)
    assert.equal(half?.remainingMs, 4800)
  })
})
