import assert from 'node:assert/strict'
import { createAgentLoop } from '../../../plugin/agent/agent-loop.ts'
import type { AgentPorts } from '../../../plugin/agent/agent-ports.ts'
import { createSystemClock } from '../../../plugin/agent/system-clock.ts'
import { FIRST_MODES } from '../../../plugin/core/modes.ts'

describe('the agent loop', () => {
  it('shows the term and the modes of its earlier life before it has started', () => {
    const wallMs = 1_800_000_000_000
    const loop = createAgentLoop({
      ports: { clock: createSystemClock() } as AgentPorts,
      identity: 'primary',
      settings: null,
      paired: true,
      wallClock: () => wallMs,
      durable: {
        term: 7,
        wasActive: true,
        dataInSync: true,
        modes: { ...FIRST_MODES, maintenanceUntilMs: wallMs + 60_000 },
        roleChangesMs: [],
      },
    })
    const { shared } = loop.view().state
    assert.deepEqual([shared.term, shared.wasActive], [7, true])
    assert.notEqual(shared.modes.maintenanceUntil, null)
  })
})
