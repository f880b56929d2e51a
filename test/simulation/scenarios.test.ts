import assert from 'node:assert/strict'
import type { TakeOverAnswer } from '../../plugin/agent/pending-requests.ts'
import type { PairSettings } from '../../plugin/core/settings.ts'
import { FASTEST_GATE, World } from './world.ts'

const DEAD_MS = 5000
/** Dead time, one tick, guards, promotion. */
const FAILOVER_LIMIT_MS = DEAD_MS + 500

/** The rows of the table of faults, each alone, each without a moment with two holders. */
describe('one fault at a time', () => {
  const takesOver: Readonly<Record<string, (world: World) => void>> = {
    'power off': ({ servers }) => servers.A.powerOff(),
    'agent killed': ({ servers }) => servers.A.killAgent(),
    'host hung': ({ servers }) => servers.A.stall(60_000),
    'cable out': ({ network }) => (network.cableOut.A = true),
    'link mute': ({ network }) => (network.isolated.A = true),
    'packets of A lost one way': ({ network }) => (network.cut.A = true),
    'lease cannot be renewed': ({ servers }) => (servers.A.raiseFails = true),
  }
  for (const [fault, begin] of Object.entries(takesOver))
    it(`${fault}: the standby takes over within dead time and half a second`, async () => {
      const world = await pair()
      begin(world)
      await world.runUntil('B serves', () => world.servers.B.isServing(), FAILOVER_LIMIT_MS)
      await world.run(20_000)
      assert.deepEqual(world.serving(), ['B'])
      assert.equal(world.doubleMs, 0)
    })

  it('a claim that takes longer than the isolation time goes on, with fresh signs of the network', async () => {
    for (const [settings, deadMs, dataMs] of [
      [{}, DEAD_MS, 4000],
      [FASTEST_GATE, FASTEST_GATE.deadTimeMs, 350],
    ] as const) {
      const world = await pair(settings)
      world.servers.B.dataDelayMs = dataMs
      world.servers.A.powerOff()
      const limitMs = deadMs + dataMs + 600
      await world.runUntil('B serves', () => world.servers.B.isServing(), limitMs)
    }
  })

  it('heartbeats blocked: answers that get lost for a moment do not make the address free', async () => {
    const world = await pair()
    const heldAt = (): number | null =>
      world.servers.B.loop!.view().state.shared.peer.heldAt ?? null
    world.network.heartbeatsBlocked = true
    world.network.questionsBlocked = true
    await world.runUntil('B finds the address held', () => heldAt() !== null, 8000)
    world.network.lossProbability = 1
    await world.run(800)
    world.network.lossProbability = 0
    await world.run(10_000)
    assert.deepEqual([world.serving(), world.doubleMs], [['A'], 0])
  })

  it('heartbeats and answers for the address blocked: what the active says over TLS keeps the standby from a claim', async () => {
    const world = await pair()
    world.network.heartbeatsBlocked = true
    world.network.answersBlocked = true
    await world.run(30_000)
    assert.deepEqual([world.serving(), world.doubleMs], [['A'], 0])
    world.servers.A.powerOff()
    await world.runUntil('B serves', () => world.servers.B.isServing(), 12_000)
  })

  const stays: Readonly<Record<string, (world: World) => void>> = {
    'standby without power': ({ servers }) => servers.B.powerOff(),
    'standby isolated': ({ network }) => (network.isolated.B = true),
    'gateway down': ({ network }) => (network.gatewayDown = true),
    'heartbeats blocked': ({ network }) => (network.heartbeatsBlocked = true),
    'packets of B lost one way': ({ network }) => (network.cut.B = true),
    '30 % of the packets lost': ({ network }) => (network.lossProbability = 0.3),
    'stalled for less than the lease': ({ servers }) => servers.A.stall(1500),
    'agent killed and back within the lease': ({ servers }) => {
      servers.A.killAgent()
      servers.A.startAgent()
    },
  }
  for (const [fault, begin] of Object.entries(stays))
    it(`${fault}: the active stays, without a gap`, async () => {
      const world = await pair()
      begin(world)
      for (let step = 0; step < 600; step += 1) {
        await world.run(50)
        assert.deepEqual(world.holders(), ['A'], world.lines.slice(-10).join('\n'))
      }
      assert.equal(world.stateOf('A'), 'active')
    })

  it('heartbeats blocked: the standby says that the active still serves', async () => {
    const world = await pair()
    world.network.heartbeatsBlocked = true
    await world.run(20_000)
    const alarms = world.lines.filter((line) =>
      line.includes('splitPrevented: heartbeats are lost'),
    )
    assert.equal(alarms.length, 1, 'once, however often it is tried')
  })

  const together: Readonly<Record<string, (world: World) => Promise<void>>> = {
    'the gateway comes back': async (world) => {
      world.network.gatewayDown = true
      await world.runUntil('A lets go', () => world.holders().length === 0, 6000)
      await world.run(3000)
      world.network.gatewayDown = false
    },
    'the power comes back': async ({ servers }) => {
      servers.A.powerOff()
      servers.B.powerOff()
      servers.A.powerOn()
      servers.B.powerOn()
      await Promise.resolve()
    },
  }
  for (const [sign, begin] of Object.entries(together))
    it(`heartbeats blocked, and ${sign} for both at a time: only one takes the address`, async () => {
      for (let seed = 1; seed <= 25; seed += 1) {
        const world = new World(seed)
        await world.startPair()
        world.network.heartbeatsBlocked = true
        world.network.questionsBlocked = true
        await begin(world)
        await world.runUntil('one serves', () => world.serving().length > 0, 20_000)
        await world.run(20_000)
        assert.deepEqual([world.serving().length, world.doubleMs], [1, 0], `seed ${seed}`)
      }
    })

  it('gateway and peer lost together: the active lets go, and is back when the standby is heard', async () => {
    const world = await pair()
    world.network.gatewayDown = true
    world.servers.B.powerOff()
    await world.runUntil('A lets go', () => world.holders().length === 0, 4000)
    world.servers.B.powerOn()
    await world.runUntil('one serves', () => world.serving().length === 1, 20_000)
  })

  it('a partition that both sides see the gateway from ends with the higher term when it heals', async () => {
    const world = await pair()
    Object.assign(world.network.cut, { A: true, B: true })
    await world.run(15_000)
    assert.deepEqual(world.serving(), ['A', 'B'])
    Object.assign(world.network.cut, { A: false, B: false })
    await world.runUntil('A yields', () => world.serving().length === 1, 1000)
    assert.deepEqual(world.serving(), ['B'])
  })

  const partitions: Readonly<Record<string, (world: World) => void>> = {
    'both reach the witness': () => undefined,
    'the active does not reach the witness': ({ witness }) => (witness!.unreachable.A = true),
    'the standby does not reach the witness': ({ witness }) => (witness!.unreachable.B = true),
    'the agent of the active dies later': ({ servers, timeline }) => {
      timeline.schedule(20_000, () => servers.A.killAgent())
    },
  }
  const servesAfter = ['A', 'B', 'A', 'B']
  for (const [at, [what, also]] of Object.entries(partitions).entries())
    it(`with a witness a partition has one holder: ${what}`, async () => {
      for (let seed = 1; seed <= 10; seed += 1) {
        const world = new World(seed, {}, true)
        await world.startPair()
        await world.run(seed * 97)
        Object.assign(world.network.cut, { A: true, B: true })
        also(world)
        await world.run(40_000)
        assert.deepEqual([world.serving(), world.doubleMs], [[servesAfter[at]], 0], `seed ${seed}`)
        Object.assign(world.network.cut, { A: false, B: false })
        await world.run(5000)
        assert.deepEqual([world.serving(), world.doubleMs], [[servesAfter[at]], 0], `seed ${seed}`)
      }
    })

  it('losing the witness alone changes nothing', async () => {
    const world = await pair({}, true)
    Object.assign(world.witness!.unreachable, { A: true, B: true })
    for (let step = 0; step < 600; step += 1) {
      await world.run(50)
      assert.deepEqual(world.holders(), ['A'])
    }
    Object.assign(world.witness!.unreachable, { A: false, B: false })
    await world.run(3000)
    const told = world.lines.map((line) => / A (witness\w+):/.exec(line)?.[1]).filter(Boolean)
    assert.deepEqual(told, ['witnessLost', 'witnessBack'])
  })

  it('witness and peer lost together: the active lets go, and nobody takes over', async () => {
    const world = await pair({}, true)
    Object.assign(world.witness!.unreachable, { A: true, B: true })
    Object.assign(world.network.cut, { A: true, B: true })
    await world.runUntil('A lets go', () => world.holders().length === 0, 6000)
    await world.run(30_000)
    assert.deepEqual([world.holders(), world.doubleMs], [[], 0])
  })

  it('with a witness whose role was given away by hand, a server that serves alone lets go', async () => {
    const world = await pair({}, true)
    Object.assign(world.network.cut, { A: true, B: true })
    await world.run(10_000)
    assert.deepEqual(world.serving(), ['A'])
    world.witness!.giveTo('B', 10_000)
    // At the next question; the role that it counted on would last for four seconds.
    await world.runUntil('A lets go', () => world.holders().length === 0, 900)
    await world.runUntil('B serves', () => world.servers.B.isServing(), 20_000)
    assert.equal(world.doubleMs, 0)
  })

  it('with a witness a crash is taken over within dead time and half a second', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const world = new World(seed, {}, true)
      await world.startPair()
      await world.run(seed * 97)
      world.servers.A.powerOff()
      await world.runUntil('B serves', () => world.servers.B.isServing(), FAILOVER_LIMIT_MS)
    }
  })

  it('a stranger that holds the address is not fought', async () => {
    const world = await pair()
    world.strangerSince = world.timeline.now
    world.servers.A.powerOff()
    await world.run(30_000)
    assert.deepEqual(world.serving(), [])
    world.strangerSince = null
    await world.runUntil('B serves', () => world.servers.B.isServing(), 3000)
  })

  it('the database of the active fails: the healthy standby takes over', async () => {
    const world = await pair()
    world.servers.A.databaseDown = true
    await world.runUntil('B serves', () => world.servers.B.isServing(), 20_000)
    assert.equal(world.stateOf('A'), 'fault')
  })
})

describe('planned changes', () => {
  it('the disk of the active cannot be written to: the healthy standby takes over as planned', async () => {
    const world = await pair()
    world.servers.A.diskFails = true
    await world.runUntil('B serves', () => world.servers.B.isServing(), 25_000)
    await world.run(20_000)
    assert.deepEqual([world.serving(), world.doubleMs], [['B'], 0])
  })

  it('both disks cannot be written to: the active serves on', async () => {
    const world = await pair()
    world.servers.A.diskFails = true
    world.servers.B.diskFails = true
    await world.run(60_000)
    assert.deepEqual([world.serving(), world.doubleMs], [['A'], 0])
  })

  it('takes over at the request of the administrator, without a failover', async () => {
    const world = await pair()
    const answer = ask(world, 'B')
    await world.runUntil('B serves', () => world.servers.B.isServing(), 1000)
    await world.run(1000)
    assert.equal((await answer).outcome, 'done')
    assert.equal(world.stateOf('A'), 'standby')
    assert.equal(world.servers.A.writable, false)
  })

  it('rolls back when the last changes cannot be applied, and the active serves on', async () => {
    const world = await pair()
    world.servers.B.dataFails = true
    const answer = ask(world, 'B')
    await world.run(10_000)
    assert.equal((await answer).outcome, 'rolledBack')
    assert.deepEqual(world.serving(), ['A'])
    assert.equal(world.servers.A.writable, true)
  })

  it('rolls back on both sides when the standby dies between prepare and release', async () => {
    const world = await pair()
    world.servers.B.dataDelayMs = 3000
    void ask(world, 'B').catch(() => undefined)
    await world.runUntil('A prepares', () => !world.servers.A.writable, 1000)
    world.servers.B.powerOff()
    await world.runUntil('A is unlocked', () => world.servers.A.writable, 40_000)
    assert.equal(world.stateOf('A'), 'active')
  })

  it('gives the role back when the new active cannot raise the address', async () => {
    const world = await pair()
    world.servers.B.raiseFails = true
    const answer = ask(world, 'B')
    await world.runUntil(
      'A serves again',
      () =>
        world.servers.A.isServing() &&
        world.stateOf('A') === 'active' &&
        world.stateOf('B') === 'fault',
      15_000,
    )
    assert.equal((await answer).outcome, 'rolledBack')
  })

  it('hands over when the active is stopped as planned', async () => {
    const world = await pair()
    world.servers.A.stopAgent()
    await world.runUntil('B serves', () => world.servers.B.isServing(), 2000)
    await world.run(1000)
    assert.equal(world.stateOf('A'), 'down')
    assert.equal(world.doubleMs, 0)
  })

  it('the repaired primary comes back as standby, and takes over only when asked', async () => {
    const world = await pair()
    world.servers.A.powerOff()
    await world.run(10_000)
    world.servers.A.powerOn()
    await world.run(60_000)
    assert.deepEqual(world.serving(), ['B'])
    void ask(world, 'A')
    await world.runUntil('A serves', () => world.servers.A.isServing(), 1000)
  })

  it('forced on one server while the other one claims: the claim with the higher term goes on', async () => {
    const world = await pair()
    world.network.gatewayDown = true
    Object.assign(world.network.cut, { A: true, B: true })
    await world.runUntil('A lets go', () => world.holders().length === 0, 6000)
    Object.assign(world.network.cut, { A: false, B: false })
    await world.runUntil('A claims', () => world.stateOf('A') === 'claiming', 3000)
    void world.servers.B.loop!.requestTakeOver({ force: true })
    await world.run(10_000)
    assert.deepEqual([world.serving().length, world.doubleMs], [1, 0])
  })

  it('forces a take-over without peer and gateway', async () => {
    const world = await pair()
    world.servers.A.powerOff()
    world.network.gatewayDown = true
    await world.run(15_000)
    assert.deepEqual(world.serving(), [])
    world.forced = true
    const answer = world.servers.B.loop!.requestTakeOver({ force: true })
    await world.runUntil('B serves', () => world.servers.B.isServing(), 2000)
    assert.equal((await answer).outcome, 'done')
    await world.run(20_000)
    assert.deepEqual(world.serving(), ['B'], 'a forced active needs no evidence')
  })

  it('refuses to force while the peer answers for the address', async () => {
    const world = await pair()
    world.network.heartbeatsBlocked = true
    await world.run(15_000)
    const answer = world.servers.B.loop!.requestTakeOver({ force: true }).catch(() => null)
    await world.run(15_000)
    assert.notEqual((await answer)?.outcome, 'done')
    assert.deepEqual(world.serving(), ['A'])
  })
})

describe('starting', () => {
  it('elects the one that was active when both start together', async () => {
    const world = await pair()
    world.servers.A.powerOff()
    await world.run(15_000)
    world.servers.B.powerOff()
    world.servers.A.powerOn()
    world.servers.B.powerOn()
    await world.runUntil('B serves', () => world.servers.B.isServing(), 15_000)
    await world.run(5000)
    assert.equal(world.stateOf('A'), 'standby')
  })

  it('starts alone after the initial dead time when the policy allows it', async () => {
    const world = await pair()
    bothOff(world)
    world.servers.A.powerOn()
    await world.run(2 * DEAD_MS - 500)
    assert.deepEqual(world.serving(), [])
    await world.runUntil('A serves', () => world.servers.A.isServing(), 2500)
  })

  it('waits for the administrator when the policy does not allow it', async () => {
    const world = await pair({ coldStartAlone: false })
    bothOff(world)
    world.servers.A.powerOn()
    await world.run(60_000)
    assert.deepEqual(world.serving(), [])
  })

  it('does not start alone with data that was not in sync', async () => {
    const world = new World(1)
    for (const name of ['A', 'B'] as const) world.servers[name].powerOn(false)
    await world.run(1000)
    world.servers.B.syncBroken = true
    world.servers.B.loop!.setPaired(true)
    world.servers.A.loop!.setPaired(true)
    await world.run(5000)
    assert.deepEqual([world.stateOf('A'), world.stateOf('B')], ['active', 'standby'])
    world.servers.A.powerOff()
    await world.run(60_000)
    assert.deepEqual(world.serving(), [])
  })

  it('keeps still in maintenance, and takes over when it ends', async () => {
    const world = await pair()
    world.servers.B.loop!.setMaintenance(20_000)
    world.servers.A.powerOff()
    await world.run(19_000)
    assert.deepEqual(world.serving(), [])
    await world.runUntil('B serves', () => world.servers.B.isServing(), 3000)
  })
})

async function pair(settings: Partial<PairSettings> = {}, hasWitness = false): Promise<World> {
  const world = new World(Number(process.env['SEED'] ?? 1), settings, hasWitness)
  await world.startPair()
  return world
}

function bothOff({ servers }: World): void {
  servers.A.powerOff()
  servers.B.powerOff()
}

function ask(world: World, name: 'A' | 'B'): Promise<TakeOverAnswer> {
  return world.servers[name].loop!.requestTakeOver({ force: false })
}
