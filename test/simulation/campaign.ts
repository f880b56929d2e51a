import type { PairSettings } from '../../plugin/core/settings.ts'
import { deriveTiming } from '../../plugin/core/timing.ts'
import { DISK_FAULTS, FAULTS, WITNESS_FAULTS } from './faults.ts'
import { NAMES } from './network.ts'
import { World } from './world.ts'

const ROUNDS = 3
/** Longer than a database takes to be locked. */
const SETTLED_MS = 5000
/** Longer than two servers take to elect one of them. */
const STUCK_MS = 20_000

export interface CampaignOptions {
  readonly hasWitness?: boolean
  readonly hasBadDisks?: boolean
  /** Each guard must hold alone, too: nothing is learnt from what the peer says over TLS. */
  readonly hasNoQuestions?: boolean
  readonly settings?: Partial<PairSettings>
}

/**
 * One seed: a pair, rounds of up to three faults at once at random moments, everything mended, and after each round
 * exactly one active server that both agree on. The world checks what must never happen after every event.
 */
export async function campaign(
  seed: number,
  {
    hasWitness = false,
    hasBadDisks = false,
    hasNoQuestions = false,
    settings = {},
  }: CampaignOptions = {},
): Promise<World> {
  const world = new World(seed, settings, hasWitness)
  const { random } = world
  world.network.questionsBlocked = hasNoQuestions
  await world.startPair()
  const faults = [
    ...FAULTS,
    ...(hasWitness ? WITNESS_FAULTS : []),
    ...(hasBadDisks ? DISK_FAULTS : []),
  ]
  for (let round = 0; round < ROUNDS; round += 1) {
    const mends: (() => void)[] = []
    const count = 1 + Math.floor(random.next() * 3)
    for (let number = 0; number < count; number += 1) {
      const fault = random.pick(faults)
      world.log(`--- ${fault.name}`)
      mends.push(fault.begin(world))
      await world.run(random.between(0, 9000))
    }
    await world.run(random.between(0, 15_000))
    for (const mend of mends) {
      mend()
      world.log('--- mended')
      await world.run(random.between(0, 3000))
    }
    await agree(world)
  }
  return world
}

/** Everything works again: within a bound the pair is whole, and stays so. */
async function agree(world: World): Promise<void> {
  for (const name of NAMES) world.servers[name].powerOn()
  for (const name of NAMES) world.servers[name].startAgent()
  const { initDeadMs, deadMs, leaseMs, retryMs } = deriveTiming(world.settings)
  const boundMs = 12_000 + initDeadMs + 2 * deadMs + leaseMs + 2 * retryMs
  if (NAMES.some((name) => world.servers[name].hasLostState)) await forceIfNobodyMay(world, boundMs)
  await world.runUntil(
    'one server active, the other standby and in sync',
    () => isWhole(world),
    boundMs,
  )
  await world.run(SETTLED_MS)
  world.expect(isWhole(world), 'the pair did not stay whole')
  const [active] = world.serving()
  world.expect(world.servers[active!].writable, 'the data of the active server is locked')
  const standby = active === 'A' ? 'B' : 'A'
  world.expect(!world.servers[standby].writable, 'the data of the standby is not locked')
}

/** Where the only server with all data has lost its state, neither of the two may serve: the administrator decides. */
async function forceIfNobodyMay(world: World, withinMs: number): Promise<void> {
  const begin = world.timeline.now
  const from = world.lines.findLastIndex((line) => line.includes('its state torn'))
  const isStuck = (): boolean =>
    world.timeline.now - begin > STUCK_MS &&
    world.serving().length === 0 &&
    world.lines.slice(from).some((line) => line.includes('none of the two servers can become'))
  await world.runUntil(
    'the pair is whole, or says that it cannot be',
    () => isWhole(world) || isStuck(),
    withinMs,
  )
  if (isWhole(world)) return
  const lost = NAMES.find((name) => world.servers[name].hasLostState)!
  world.log(`--- forced on ${lost}`)
  const asked = world.servers[lost].loop!.requestTakeOver({ force: true })
  const answer = await Promise.race([asked, world.run(30_000).then(() => null)])
  world.expect(answer?.outcome === 'done', `the forced take-over: ${answer?.reason ?? 'no answer'}`)
}

function isWhole(world: World): boolean {
  const [active, ...others] = world.serving()
  if (active === undefined || others.length > 0 || world.holders().length !== 1) return false
  const standby = world.servers[active === 'A' ? 'B' : 'A'].loop?.view().state
  const served = world.servers[active].loop?.view().state
  return (
    served?.name === 'active' &&
    // One that takes its database for dead still hands over, rightly by what it knows.
    served.shared.own.databaseUp &&
    standby?.name === 'standby' &&
    standby.shared.own.dataInSync &&
    standby.shared.peer.report?.term === served.shared.term
  )
}
