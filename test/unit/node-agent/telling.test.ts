import assert from 'node:assert/strict'
import type { AgentLoop } from '../../../plugin/agent/agent-loop.ts'
import type { EventKind } from '../../../plugin/core/event-kinds.ts'
import { deriveTiming } from '../../../plugin/core/timing.ts'
import type { StateName } from '../../../plugin/core/state.ts'
import { mailPolicy, TOLD_BY_PEER } from '../../../plugin/node-agent/mail-policy.ts'
import { pairWatchInput } from '../../../plugin/node-agent/pair-watch.ts'
import { statusDocument } from '../../support/status-document.ts'
import { historyEntry } from '../../support/web-status.ts'

const timing = deriveTiming({ keepAliveIntervalMs: 500, deadTimeMs: 5000 })

/** Whether a server in this state tells of a kind, with the peer as it last reported. */
function tells(
  kind: EventKind,
  name: StateName,
  peer: { readonly role: string; readonly silentMs: number } | null,
  identity = 'secondary',
): boolean {
  const heard =
    peer === null
      ? { heardAt: null, report: null }
      : {
          heardAt: performance.now() - peer.silentMs,
          report: { role: peer.role },
        }
  const state = { name, shared: { peer: heard, identity } }
  const loop = { view: () => ({ state, timing }) } as unknown as AgentLoop
  return mailPolicy(loop)(historyEntry(1, { kind, data: {} }))
}

describe('which server tells of an event', () => {
  it('is the active one for what both see', () => {
    assert.equal(tells('peerLost', 'active', { role: 'standby', silentMs: 9000 }), true)
    assert.equal(tells('maintenanceStarted', 'active', { role: 'standby', silentMs: 0 }), true)
    assert.equal(tells('maintenanceStarted', 'standby', { role: 'active', silentMs: 0 }), false)
  })

  it('is each one for what is about itself', () => {
    for (const kind of ['failoverStarted', 'takeOverRefused', 'databaseLost'] as const)
      assert.equal(tells(kind, 'suspect', { role: 'active', silentMs: 9000 }), true, kind)
  })

  it('is the standby for nothing that only a failover proves', () => {
    assert.equal(tells('peerLost', 'suspect', { role: 'active', silentMs: 9000 }), false)
    assert.equal(tells('peerLost', 'suspect', null), true)
  })

  it('is the primary while none is active, and nobody when the other one does', () => {
    const peer = { role: 'starting', silentMs: 0 }
    assert.equal(tells('paired', 'boot', peer, 'primary'), true)
    assert.equal(tells('paired', 'boot', peer, 'secondary'), false)
    const loop = { view: () => assert.fail('not asked') } as unknown as AgentLoop
    assert.equal(mailPolicy(loop)(historyEntry(1, { kind: 'unpaired', data: TOLD_BY_PEER })), false)
  })
})

describe('what the watch over the pair looks at', () => {
  const base = statusDocument()
  const active = { ...base.server, role: 'active', state: 'active' } as const
  const bad = {
    word: 'notProtected',
    meaning: 'The peer is silent.',
    action: 'Repair it.',
  } as const
  const silent = { ...base.peer!, heard: false }

  it('is a protection that is missing, as the active or as one that hears nobody', () => {
    const reason = 'The peer is silent. Repair it.'
    const seen = (change: Parameters<typeof statusDocument>[0]) =>
      pairWatchInput(statusDocument({ health: bad, ...change }), 0).unprotectedBecause
    assert.equal(seen({ server: active }), reason)
    assert.equal(seen({ peer: silent }), reason)
    assert.equal(seen({}), null)
    const maintenance = { until: '', remainingMs: 1, synchronisation: 'goesOn' } as const
    assert.equal(seen({ server: active, maintenance }), null)
    assert.equal(seen({ server: active, setUp: 'waitingForPeer' }), null)
    assert.equal(pairWatchInput(statusDocument({ server: active }), 0).isProtected, true)
  })

  it('is the lag of a standby that answers, as the active sees it', () => {
    const replication = { ...base.replication, lag: { ageMs: 70_000, rows: 3, bytes: 9 } }
    const lag = (change: Parameters<typeof statusDocument>[0]) =>
      pairWatchInput(statusDocument({ replication, ...change }), 0).lagMs
    assert.equal(lag({ server: active }), 70_000)
    assert.equal(lag({ server: active, peer: silent }), null)
    assert.equal(lag({}), null)
    assert.equal(lag({ server: active, health: { ...bad, word: 'synchronising' } }), null)
  })
})
