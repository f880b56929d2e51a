import assert from 'node:assert/strict'
import { cellOf, decide, TRANSITIONS } from '../../../plugin/core/decide.ts'
import type { Decision } from '../../../plugin/core/decision.ts'
import type { Event, EventOf } from '../../../plugin/core/event.ts'
import { assertInvariants, InvariantError } from '../../../plugin/core/invariants.ts'
import { FIRST_MODES, reportModes } from '../../../plugin/core/modes.ts'
import type { State } from '../../../plugin/core/state.ts'
import { everyEvent } from './events.ts'
import {
  active,
  claiming,
  everyState,
  handingOver,
  NOW,
  report,
  settings,
  shared,
  silentFor,
  standby,
  standbyReport,
  suspect,
  takingOver,
} from './states.ts'

describe('The table of transitions', () => {
  it('has a row for every state that the tests know, and tests for every row', () => {
    const names = new Set(everyState().map((state) => state.name))
    assert.deepEqual([...names].sort(), Object.keys(TRANSITIONS).sort())
  })

  for (const state of everyState())
    it(`decides every event in ${nameOf(state)}, and goes only where it says`, () => {
      for (const event of everyEvent(state.shared.visit)) assertCell(state, event)
    })

  it('holds its invariants on every path of three events', function () {
    this.timeout(60_000)
    const reached = walk(everyState(), 2)
    assert.ok(reached.size > 300, `only ${reached.size} different situations were reached`)
    const names = new Set([...reached.values()].map((state) => state.name))
    assert.equal(names.size, Object.keys(TRANSITIONS).length, 'every state was reached')
  })
})

describe('decide', () => {
  it('suspects a peer that is silent for the warn time', () => {
    const { state, effects } = decide(standby(silentFor(2600)), tick(), settings)
    assert.equal(state.name, 'suspect')
    assert.ok(types(effects).includes('record'))
  })

  it('does not claim before the dead time is over', () => {
    const { state } = decide(suspect(silentFor(4999)), tick(), settings)
    assert.equal(state.name, 'suspect')
  })

  it('asks the references first when it claims', () => {
    const { state, effects } = decide(suspect(silentFor(5000)), tick(), settings)
    assert.equal(state.name, 'claiming')
    assert.equal(types(effects).at(-1), 'checkReferences')
  })

  const keepsStill: Readonly<Record<string, Partial<State['shared']>>> = {
    'in maintenance': { modes: { ...FIRST_MODES, maintenanceUntil: NOW + 1000 } },
    'when automatic take-over is switched off': { modes: { ...FIRST_MODES, automatic: 'off' } },
    'after the role changed too often': { modes: { ...FIRST_MODES, automatic: 'held' } },
    'with data that is not in sync': { own: { ...shared().own, dataInSync: false } },
    'without its database': { own: { ...shared().own, databaseUp: false } },
    'with a disk that cannot be written to': { own: { ...shared().own, diskWritable: false } },
    'without carrier': { own: { ...shared().own, carrierUp: false } },
    'when no reference answers': { reachableSince: null },
  }
  const REFUSALS: readonly string[] = ['takeOverRefused', 'splitPrevented']
  for (const [when, changed] of Object.entries(keepsStill))
    it(`does not claim ${when}, and says so once`, () => {
      const first = decide(suspect({ ...silentFor(9000), ...changed }), tick(), settings)
      assert.equal(first.state.name, 'suspect')
      const refusals = ({ effects }: Decision): number =>
        effects.filter((effect) => effect.type === 'record' && REFUSALS.includes(effect.kind))
          .length
      assert.equal(refusals(first), 1)
      assert.equal(refusals(decide(first.state, tick(NOW + 100), settings)), 0)
    })

  it('persists a term of its own parity before it claims, and claims before it promotes', () => {
    const probed = decide(claiming('probingVirtualIp'), probe('free'), settings)
    assert.deepEqual(types(probed.effects), ['record', 'persist'])
    assert.deepEqual(probed.effects[1], {
      type: 'persist',
      term: 4,
      wasActive: false,
      modes: reportModes(FIRST_MODES, NOW),
      roleChangeAgesMs: [],
    })
    const persisted = decide(probed.state, done('persist', 4), settings)
    assert.equal(persisted.state.shared.term, 4)
    assert.deepEqual(types(persisted.effects), ['sendClaim', 'sendHeartbeat', 'probeVirtualIp'])
    const waited = decide(persisted.state, tick(NOW + 200), settings)
    assert.deepEqual(types(waited.effects), ['promoteData'])
  })

  it('raises the address only after the role is on disk and the address is free again', () => {
    const promoted = decide(
      claiming('promoting', { shared: shared({ ...silentFor(6000), term: 4 }) }),
      done('promoteData', 4),
      settings,
    )
    assert.deepEqual(types(promoted.effects), ['persist', 'startService'])
    const persisted = decide(promoted.state, done('persist', 4), settings)
    assert.deepEqual(types(persisted.effects), ['checkReferences', 'probeVirtualIp'])
    const free = decide(persisted.state, probe('free'), settings)
    assert.deepEqual(free.effects, [{ type: 'raiseVirtualIp', leaseMs: 3000 }])
    const raised = decide(free.state, done('raiseVirtualIp'), settings)
    assert.equal(raised.state.name, 'active')
    assert.equal(types(raised.effects)[0], 'announceVirtualIp')
  })

  it('raises it at once when nobody answered for it since the claim, and asks again after a long promotion', () => {
    const claimed = { ...claiming('claiming'), stepSince: NOW }
    const free = decide(claimed, probe('free'), settings).state
    const decideAfter = (ms: number): Decision => {
      const promoting = decide(free, tick(NOW + 200), settings).state
      const promoted = decide(promoting, { ...done('promoteData', 4), now: NOW + ms }, settings)
      return decide(promoted.state, { ...done('persist', 4), now: NOW + ms }, settings)
    }
    assert.deepEqual(types(decideAfter(300).effects), ['raiseVirtualIp'])
    assert.deepEqual(types(decideAfter(3000).effects), ['checkReferences', 'probeVirtualIp'])
  })

  it('gives up when somebody answers for the address after the claim', () => {
    for (const step of ['claiming', 'promoting', 'persistingRole'] as const) {
      const { state, reason } = decide(claiming(step), probe('heldByPeer'), settings)
      assert.equal(state.name, 'suspect', step)
      assert.match(reason, /still serves/)
    }
  })

  it('gives up when the peer, asked while it was not heard, says that it serves', () => {
    const answer = (changed: Partial<EventOf<'peerAnswered'>> = {}): Event => ({
      type: 'peerAnswered',
      now: NOW,
      askedAt: NOW - 20,
      state: 'active',
      term: 3,
      ...changed,
    })
    for (const step of ['probingVirtualIp', 'claiming', 'promoting'] as const) {
      const { state, reason } = decide(claiming(step), answer(), settings)
      assert.equal(state.name, 'suspect', step)
      assert.match(reason, /still serves/)
    }
    const goesOn: readonly Partial<EventOf<'peerAnswered'>>[] = [
      { state: 'standby' },
      { state: 'claiming', term: 3 },
      // Before its heartbeats stopped to arrive: it may have failed since.
      { askedAt: claiming('claiming').shared.peer.silenceFrom + 900 },
    ]
    for (const changed of goesOn)
      assert.equal(decide(claiming('claiming'), answer(changed), settings).state.name, 'claiming')
    const rival = decide(claiming('claiming'), answer({ state: 'claiming', term: 9 }), settings)
    assert.match(rival.reason, /claims with term 9/)
  })

  it('takes the word of a peer that is not heard for an answer for the address', () => {
    const asked = decide(
      suspect(silentFor(4700)),
      { type: 'peerAnswered', now: NOW, askedAt: NOW - 20, state: 'active', term: 3 },
      settings,
    )
    assert.equal(asked.state.shared.peer.heldAt, NOW - 20)
  })

  it('claims again and again while it waits for an objection: the first one may be lost', () => {
    const claimed = { ...claiming('claiming'), stepSince: NOW }
    assert.ok(types(decide(claimed, tick(NOW + 100), settings).effects).includes('sendClaim'))
    assert.ok(!types(decide(claiming('promoting'), tick(), settings).effects).includes('sendClaim'))
  })

  it('asks for the address once, shortly before the dead time is over, when it would claim', () => {
    const early = suspect(silentFor(4700))
    const asked = decide(early, tick(), settings)
    assert.deepEqual([asked.state.name, types(asked.effects)], ['suspect', ['probeVirtualIp']])
    assert.ok(
      !types(decide(asked.state, tick(NOW + 10), settings).effects).includes('probeVirtualIp'),
    )
    const answered = decide(asked.state, { ...probe('free'), now: NOW + 200 }, settings)
    const claim = decide(answered.state, tick(NOW + 310), settings)
    assert.deepEqual(types(claim.effects).at(-1), 'checkReferences')
    const referenced = decide(
      claim.state,
      { type: 'referencesChecked', now: NOW + 320, askedAt: NOW + 310, reachable: true },
      settings,
    )
    assert.ok(types(referenced.effects).includes('persist'), referenced.reason)
    const unlikely: readonly Partial<State['shared']>[] = [
      silentFor(4000),
      { ...silentFor(4700), reachableSince: null },
      { ...silentFor(4700), own: { ...shared().own, dataInSync: false } },
    ]
    for (const changed of unlikely)
      assert.ok(
        !types(decide(suspect(changed), tick(), settings).effects).includes('probeVirtualIp'),
      )
  })

  it('waits while the peer holds the address, and gives up when its lease must have ended', () => {
    const waits = decide(claiming('probingVirtualIp'), probe('heldByPeer'), settings)
    assert.equal(waits.state.name, 'claiming')
    const again = decide(waits.state, tick(NOW + 100), settings)
    assert.deepEqual(types(again.effects), ['probeVirtualIp'])
    const late = { ...probe('heldByPeer'), now: NOW + settings.timing.heldLimitMs }
    assert.match(decide(waits.state, late, settings).reason, /still serves/)
  })

  it('does not believe one free answer after the peer held the address', () => {
    const held = decide(claiming('probingVirtualIp'), probe('heldByPeer'), settings)
    const free = decide(held.state, { ...probe('free'), now: NOW + 100 }, settings)
    assert.equal(free.state.name, 'claiming')
    assert.deepEqual(types(free.effects), [])
  })

  it('ignores the outcome of an effect that an earlier visit asked for', () => {
    const state = claiming('raisingVirtualIp')
    const { state: next } = decide(
      state,
      { ...done('raiseVirtualIp'), visit: state.shared.visit - 1 },
      settings,
    )
    assert.equal(next.name, 'claiming')
  })

  it('renews the lease after a quarter of it, and not before', () => {
    const early = decide(active({}, { renewedAt: NOW - 700 }), tick(), settings)
    assert.ok(!types(early.effects).includes('renewVirtualIp'))
    const due = decide(active({}, { renewedAt: NOW - 750 }), tick(), settings)
    assert.ok(types(due.effects).includes('renewVirtualIp'))
  })

  it('goes on without the peer while a reference answers', () => {
    const { state } = decide(
      active({ ...lonely(60_000), own: { ...shared().own, referenceAnsweredAt: NOW - 2000 } }),
      tick(),
      settings,
    )
    assert.equal(state.name, 'active')
  })

  it('drops the address first when neither peer nor reference was heard', () => {
    const { state, effects } = decide(
      active({ ...lonely(2500), own: { ...shared().own, referenceAnsweredAt: NOW - 2500 } }),
      tick(),
      settings,
    )
    assert.equal(state.name, 'rechecking')
    assert.equal(types(effects)[0], 'dropVirtualIp')
  })

  it('drops the address at once when the carrier is lost', () => {
    const { state, effects } = decide(
      active(),
      { type: 'observed', now: NOW, own: { carrierUp: false } },
      settings,
    )
    assert.equal(state.name, 'rechecking')
    assert.equal(types(effects)[0], 'dropVirtualIp')
  })

  it('does not renew a lease that it may have lost while it was stopped', () => {
    const stalled = { type: 'tick', now: NOW, stalledMs: 2800 } as const
    const { state, effects } = decide(
      active({}, { renewedAt: NOW - 2800, securedAt: NOW - 2800 }),
      stalled,
      settings,
    )
    assert.equal(state.name, 'rechecking')
    assert.ok(!types(effects).includes('renewVirtualIp'))
  })

  it('yields to an active peer with a higher term, address before service and data', () => {
    const { state, effects } = decide(
      active(),
      heard({ ...report, identity: 'secondary', term: 4 }),
      settings,
    )
    assert.equal(state.name, 'standby')
    assert.equal(state.shared.term, 4)
    assert.deepEqual(types(effects).slice(0, 4), [
      'dropVirtualIp',
      'sendHeartbeat',
      'stopService',
      'demoteData',
    ])
  })

  it('corrects an active peer with a lower term, and announces again when it has yielded', () => {
    const double = decide(active(), heard({ ...report, identity: 'secondary', term: 2 }), settings)
    assert.equal(double.state.name, 'active')
    assert.ok(types(double.effects).includes('sendHeartbeat'))
    const ended = decide(double.state, heard({ ...standbyReport, term: 3 }), settings)
    assert.ok(types(ended.effects).includes('announceVirtualIp'))
  })

  it('yields to a claim with a higher term from a peer that cannot hear it', () => {
    const { state, effects } = decide(active(), { type: 'claimHeard', now: NOW, term: 4 }, settings)
    assert.equal(state.name, 'standby')
    assert.equal(types(effects)[0], 'dropVirtualIp')
    assert.equal(state.shared.wasActive, true, 'the claim may still fail')
  })

  it('undoes a prepared hand-over before it locks the data, when it yields', () => {
    const { effects } = decide(
      handingOver('prepared'),
      { type: 'claimHeard', now: NOW, term: 9 },
      settings,
    )
    const order = types(effects)
    assert.ok(order.indexOf('undoHandOver') < order.indexOf('demoteData'))
  })

  it('confirms a release only when the address is gone', () => {
    const asked = decide(
      handingOver('prepared'),
      { type: 'releaseRequested', now: NOW, requestId: 'r1', newTerm: 4 },
      settings,
    )
    assert.deepEqual(types(asked.effects), ['redirectChanges', 'dropVirtualIp'])
    const dropped = decide(asked.state, done('dropVirtualIp'), settings)
    assert.equal(types(dropped.effects)[0], 'confirmRelease')
    assert.equal(dropped.state.name, 'standby')
  })

  it('unlocks and goes on when the peer does not complete a hand-over', () => {
    const { state, effects } = decide(
      { ...handingOver('prepared'), stepSince: NOW - settings.timing.handOverMs },
      tick(),
      settings,
    )
    assert.equal(state.name, 'active')
    assert.ok(types(effects).includes('undoHandOver'))
  })

  it('rolls a take-over back at each step before the release, and tells both', () => {
    for (const [step, effect] of [
      ['preparing', 'askHandOver'],
      ['draining', 'applyFinal'],
      ['releasing', 'askRelease'],
    ] as const) {
      const { state, effects } = decide(
        takingOver(step),
        { ...done(effect), type: 'effectFailed', reason: 'no' },
        settings,
      )
      assert.equal(state.name, 'standby')
      assert.deepEqual(types(effects).slice(0, 2), ['abortHandOver', 'answerRequest'])
    }
  })

  it('elects the newer data when none of the two is active', () => {
    const peer = {
      ...shared().peer,
      settledSince: NOW - 2000,
      report: { ...standbyReport, identity: 'primary' as const, term: 2 },
    }
    const wins = decide(standby({ peer }), tick(), settings)
    assert.equal(wins.state.name, 'claiming')
    const loses = decide(
      standby({ peer: { ...peer, report: { ...peer.report, term: 5, wasActive: true } } }),
      tick(),
      settings,
    )
    assert.equal(loses.state.name, 'standby')
  })

  it('begins a pair with the server whose data was chosen, whatever its identity', () => {
    for (const identity of ['primary', 'secondary'] as const) {
      const alone = {
        ...shared({ identity, term: 0 }),
        own: { ...shared().own, dataInSync: false },
      }
      const unpaired: State = { name: 'unpaired', since: 0, shared: alone }
      const paired = (startsPair: boolean) =>
        decide(unpaired, { type: 'paired', now: NOW, startsPair }, settings).state.name
      assert.equal(paired(true), 'claiming')
      assert.equal(paired(false), 'standby')
    }
  })

  it('never begins with the data that was to be replaced, however long the other one waits', () => {
    const settledSince = NOW - 10 * settings.timing.deadMs
    const own = { ...shared().own, dataInSync: false }
    const begins = (identity: 'primary' | 'secondary', startsPair: boolean) => {
      const other = identity === 'primary' ? ('secondary' as const) : ('primary' as const)
      const report = { ...standbyReport, identity: other, term: 0, dataInSync: false }
      const peer = { ...shared().peer, settledSince, report }
      const state = standby({ identity, startsPair, term: 0, seenTerm: 0, own, peer })
      return decide(state, tick(), settings).state.name
    }
    assert.deepEqual([begins('secondary', true), begins('primary', false)], ['claiming', 'standby'])
    assert.deepEqual([begins('primary', true), begins('secondary', false)], ['claiming', 'standby'])
  })

  it('does not count the term of a failed claim as newer data', () => {
    const peer = {
      ...shared().peer,
      settledSince: NOW - 2000,
      report: { ...standbyReport, identity: 'primary' as const, term: 5, wasActive: false },
    }
    assert.equal(decide(standby({ peer }), tick(), settings).state.name, 'claiming')
  })

  it('asks for silence anew after a stop of its own', () => {
    const stalled = { type: 'tick', now: NOW, stalledMs: 8000 } as const
    assert.equal(decide(suspect(silentFor(9000)), stalled, settings).state.name, 'suspect')
  })

  it('adopts a lease that is still running when the agent is back in time', () => {
    const own = { ...shared().own, holdsVirtualIp: true }
    const boot: State = {
      name: 'boot',
      since: NOW - 100,
      locked: false,
      shared: shared({ wasActive: true, own, peer: { ...shared().peer, report: standbyReport } }),
    }
    const { state, effects } = decide(boot, tick(), settings)
    assert.equal(state.name, 'active')
    assert.equal(types(effects)[0], 'renewVirtualIp')
  })
})

describe('assertInvariants', () => {
  it('refuses a decision that leaves the address behind', () => {
    const before = active()
    const after: State = { name: 'rechecking', since: NOW, shared: { ...before.shared, visit: 1 } }
    const broken: Decision = { state: after, effects: [], reason: 'a test' }
    assert.throws(() => assertInvariants(before, tick(), broken), InvariantError)
  })

  it('refuses a term that falls', () => {
    const broken: Decision = { state: standby({ term: 2 }), effects: [], reason: 'a test' }
    assert.throws(() => assertInvariants(standby(), tick(), broken), /terms only rise/)
  })
})

function assertCell(state: State, event: Event): Decision {
  const decision = decide(state, event, settings)
  const cell = cellOf(state.name, event.type)
  const at = `${nameOf(state)} × ${JSON.stringify(event)}`
  assert.ok(cell.to.includes(decision.state.name), `${at} leads to ${decision.state.name}`)
  assert.ok(decision.reason.length > 0, `${at} has no reason`)
  return decision
}

/** Every event in every situation that up to `depth` events lead to; invariants are asserted on the way. */
function walk(starts: readonly State[], depth: number): Map<string, State> {
  const reached = new Map<string, State>()
  let edge = starts
  for (let step = 0; step <= depth; step += 1) {
    const next: State[] = []
    for (const state of edge)
      for (const event of everyEvent(state.shared.visit, NOW + 300 * step)) {
        const { state: after } = assertCell(state, event)
        const key = situationOf(after)
        if (reached.has(key)) continue
        reached.set(key, after)
        next.push(after)
      }
    edge = next
  }
  return reached
}

/** What a decision mostly depends on; times are left out, so that the walk ends. */
function situationOf(state: State): string {
  const { own, peer, term, wasActive, modes, alarms } = state.shared
  return JSON.stringify([
    nameOf(state),
    own.carrierUp,
    own.databaseUp,
    own.dataInSync,
    peer.report?.state,
    Math.sign((peer.report?.term ?? 0) - term),
    wasActive,
    modes.maintenanceUntil === null,
    modes.automatic,
    alarms.length,
  ])
}

function nameOf(state: State): string {
  return 'step' in state ? `${state.name} (${state.step})` : state.name
}

function types(effects: Decision['effects']): string[] {
  return effects.map((effect) => effect.type)
}

function tick(now = NOW): Event {
  return { type: 'tick', now, stalledMs: 0 }
}

function heard(said: typeof report): Event {
  return { type: 'heartbeat', now: NOW, report: said }
}

function probe(result: 'free' | 'heldByPeer') {
  return { type: 'virtualIpProbed', now: NOW, result, visit: 0 } as const
}

function done(
  effect:
    | 'persist'
    | 'promoteData'
    | 'raiseVirtualIp'
    | 'dropVirtualIp'
    | 'askHandOver'
    | 'applyFinal'
    | 'askRelease',
  term?: number,
) {
  const outcome = { type: 'effectDone', now: NOW, effect, visit: 0, decidedAt: NOW } as const
  return term === undefined ? outcome : { ...outcome, term }
}

function lonely(silentMs: number): Partial<State['shared']> {
  const at = NOW - silentMs
  return { peer: { ...shared().peer, heardAt: at, silenceFrom: at, report: standbyReport } }
}
