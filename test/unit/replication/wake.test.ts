import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { Wake } from '../../../plugin/replication/wake.ts'

const LONG_MS = 60_000

describe('a wake-up', () => {
  const stop = new AbortController()

  it('ends the wait at once, also when it came before', async () => {
    const wake = new Wake()
    const waiting = wake.within(LONG_MS, stop.signal)
    wake.come()
    assert.equal(await waiting, true)
    assert.equal(await wake.within(LONG_MS, stop.signal), true)
  })

  it('leaves nothing behind from waits that were over without it', async () => {
    const wake = new Wake()
    for (let n = 0; n < 20; n++) assert.equal(await wake.within(0, stop.signal), false)
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    wake.come()
    assert.equal(await wake.within(LONG_MS, stop.signal), true)
  })

  it('is not waited for when everything stops', async () => {
    const stopping = new AbortController()
    const waiting = new Wake().within(LONG_MS, stopping.signal)
    stopping.abort()
    assert.equal(await waiting, false)
    assert.equal(await new Wake().within(LONG_MS, stopping.signal), false)
  })
})
