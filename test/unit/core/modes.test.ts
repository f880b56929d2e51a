import assert from 'node:assert/strict'
import { decide } from '../../../plugin/core/decide.ts'
import type { Event } from '../../../plugin/core/event.ts'
import {
  agreeOnModes,
  FIRST_MODES,
  type Modes,
  modesOf,
  reportModes,
} from '../../../plugin/core/modes.ts'
import type { State } from '../../../plugin/core/state.ts'
import { active, claiming, NOW, report, settings, shared, standby } from './states.ts'

const maintenance: Modes = { ...FIRST_MODES, version: 4, maintenanceUntil: NOW + 60_000 }

function heartbeat(modes: Modes): Event {
  return { type: 'heartbeat', now: NOW, report: { ...report, modes: reportModes(modes, NOW) } }
}

function recorded(state: State, event: Event): string[] {
  return decide(state, event, settings).effects.flatMap((effect) =>
    effect.type === 'record' ? [effect.kind] : [],
  )
}

describe('modes of the pair', () => {
  it('are taken over from the server that set them last, and persisted', () => {
    const { state, effects } = decide(standby(), heartbeat(maintenance), settings)
    assert.deepEqual(state.shared.modes, maintenance)
    const saved = effects.find((effect) => effect.type === 'persist')
    assert.equal(saved?.type === 'persist' && saved.modes.maintenanceRemainingMs, 60_000)
    assert.deepEqual(recorded(standby(), heartbeat(maintenance)), ['maintenanceStarted'])
  })

  it('without an end stay so on their way to the other server', () => {
    const open: Modes = { ...maintenance, maintenanceUntil: Infinity }
    const told = JSON.parse(JSON.stringify(reportModes(open, NOW))) as ReturnType<
      typeof reportModes
    >
    assert.equal(modesOf(told, NOW + 5).maintenanceUntil, Infinity)
  })

  it('of an older version change nothing', () => {
    const own = { ...maintenance, version: 5 }
    const { state } = decide(standby({ modes: own }), heartbeat(FIRST_MODES), settings)
    assert.equal(state.shared.modes, own)
  })

  it('set on both servers at once settle on those of the primary', () => {
    const off: Modes = { ...FIRST_MODES, version: 4, automatic: 'off' }
    const now = NOW
    const secondary = agreeOnModes(off, reportModes(maintenance, now), {
      now,
      peerIdentity: 'primary',
    })
    const primary = agreeOnModes(maintenance, reportModes(off, now), {
      now,
      peerIdentity: 'secondary',
    })
    assert.deepEqual([secondary, primary], [maintenance, maintenance])
  })

  it('set by the administrator are newer than what either server has', () => {
    const known = { ...shared().peer, report: { ...report, modes: reportModes(maintenance, NOW) } }
    const event: Event = { type: 'automaticSet', now: NOW, on: false }
    const { state, effects } = decide(standby({ peer: known }), event, settings)
    assert.equal(state.shared.modes.version, maintenance.version + 1)
    assert.ok(effects.some((effect) => effect.type === 'sendHeartbeat'))
  })

  it('end with the time of maintenance, and the pause with it', () => {
    const modes = { ...maintenance, synchronisationPaused: true }
    const late: Event = { type: 'tick', now: NOW + 60_000, stalledMs: 0 }
    const { state } = decide(active({ modes }), late, settings)
    assert.deepEqual(state.shared.modes, {
      ...modes,
      maintenanceUntil: null,
      synchronisationPaused: false,
    })
    assert.deepEqual(recorded(active({ modes }), late).slice(-1), ['maintenanceEnded'])
  })

  describe('when the role changes too often', () => {
    const raised = (roleChanges: readonly number[]): State =>
      decide(
        claiming('raisingVirtualIp', { shared: shared({ roleChanges }) }),
        { type: 'effectDone', effect: 'raiseVirtualIp', now: NOW, visit: 0, decidedAt: NOW },
        settings,
      ).state

    it('holds the role where it is, and says so', () => {
      assert.equal(raised([NOW - 1000]).shared.modes.automatic, 'on')
      const { shared: held } = raised([NOW - 2000, NOW - 1000])
      assert.equal(held.modes.automatic, 'held')
      assert.equal(held.modes.version, 1)
    })

    it('counts what the other server did', () => {
      const peer = { ...shared().peer, heardAt: NOW - 6000, report: { ...report, roleChanges: 2 } }
      const { state } = decide(
        claiming('raisingVirtualIp', { shared: shared({ peer }) }),
        { type: 'effectDone', effect: 'raiseVirtualIp', now: NOW, visit: 0, decidedAt: NOW },
        settings,
      )
      assert.equal(state.shared.modes.automatic, 'held')
    })

    it('forgets changes that are an hour old', () => {
      const old = [NOW - 3_600_001, NOW - 1000]
      const { state } = decide(
        active({ roleChanges: old }),
        { type: 'tick', now: NOW, stalledMs: 0 },
        settings,
      )
      assert.deepEqual(state.shared.roleChanges, [NOW - 1000])
    })

    it('begins to count anew when the administrator ends the hold, on the other server too', () => {
      const modes: Modes = { ...FIRST_MODES, version: 1, automatic: 'held' }
      const ended = decide(
        standby({ modes, roleChanges: [NOW - 1] }),
        heartbeat({ ...FIRST_MODES, version: 2 }),
        settings,
      )
      assert.deepEqual(ended.state.shared.roleChanges, [])
      assert.equal(ended.state.shared.modes.automatic, 'on')
    })
  })
})
