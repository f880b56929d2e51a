import assert from 'node:assert/strict'
import type { DurableState, StateStore } from '../../../plugin/agent/agent-ports.ts'
import { afterTelling } from '../../../plugin/node-agent/after-telling.ts'

const STATE: DurableState = {
  term: 4,
  wasActive: false,
  dataInSync: true,
  modes: {
    version: 0,
    maintenanceUntilMs: null,
    synchronisationPaused: false,
    automatic: 'on',
  },
  roleChangesMs: [],
}

describe('the term on disk', () => {
  const saved: DurableState[] = []
  const store: StateStore = {
    load: () => Promise.resolve(null),
    prove: () => Promise.resolve(),
    save: (state) => {
      saved.push(state)
      return Promise.resolve()
    },
  }
  beforeEach(() => {
    saved.length = 0
  })

  it('comes after the messages that tell of it', async () => {
    let told: () => void = () => undefined
    const telling = new Promise<void>((resolve) => {
      told = resolve
    })
    const saving = afterTelling(store, { told: () => telling }).save(STATE)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(saved, [])
    told()
    await saving
    assert.deepEqual(saved, [STATE])
  })

  it('does not wait for ever for an outbox whose disk hangs', async () => {
    const startedAt = performance.now()
    await afterTelling(store, { told: () => new Promise(() => undefined) }).save(STATE)
    assert.deepEqual(saved, [STATE])
    assert.ok(performance.now() - startedAt >= 400)
  })
})
