import assert from 'node:assert/strict'
import type { Random } from '../simulation/random.ts'
import { heldByBothMs } from '../support/lab/holder-log.ts'
import { lostWrites } from '../support/lab/measure.ts'
import type { LabPair, Roles } from '../support/lab/pair.ts'
import { acknowledgedWrites, isAnswered } from '../support/lab/request-log.ts'
import type { Scenario } from '../support/lab/scenario.ts'

export interface KillLoopInput {
  readonly pair: LabPair
  readonly scenarios: readonly Scenario[]
  readonly faults: number
  readonly random: Random
  readonly deadMs: number
  readonly log: (line: string) => void
}

export interface KillLoopReport {
  readonly faults: number
  readonly minutes: number
  /** Highest term at the end. */
  readonly roleChanges: number
  readonly requests: number
  readonly failed: number
  readonly acknowledged: number
  readonly unsent: number
  /** How often the administrator allowed automatic take-overs anew, before their limit in an hour was reached. */
  readonly allowed: number
}

/** How often the loop lets the pair come to rest; most faults meet a pair that recovers. */
const SETTLES = 0.25
/** The administrator allows automatic take-overs again before their number in an hour is reached. */
const ALLOW_AGAIN_EVERY = 30
/** After a partition: until the one with the lower term has yielded. */
const YIELD_MS = 1500

/** Errors: the invariant that does not hold. */
export async function runKillLoop(input: KillLoopInput): Promise<KillLoopReport> {
  const { pair, scenarios, faults, random, deadMs, log } = input
  const startedAt = Date.now()
  let roles = await pair.settle()
  const calmAt = Date.now()
  const excused: { from: number; until: number }[] = []
  const terms = new Map<string, number>()
  let allowed = 0
  for (let number = 1; number <= faults; number += 1) {
    roles = (await pair.roles()) ?? roles
    if (number % ALLOW_AGAIN_EVERY === 0) {
      await allowTakeOvers(pair)
      allowed += 1
    }
    const scenario = random.pick(scenarios)
    const from = Date.now()
    const story = { pair, ...roles }
    const lastsMs = random.between(0, 2 * deadMs + 2000)
    log(
      `${at(startedAt)} ${number}: ${scenario.name}, at ${roles.active.name}, for ${Math.round(lastsMs)} ms`,
    )
    try {
      await scenario.fault(story)
      await pause(lastsMs)
    } finally {
      await scenario.mend?.(story)
      await pair.mend()
    }
    if (scenario.mayHoldBoth === true) excused.push({ from, until: Date.now() + YIELD_MS })
    await checkTerms(pair, terms)
    if (random.chance(SETTLES)) roles = await pair.settle()
    else await pause(random.between(0, deadMs + 1000))
    checkHolders(pair, calmAt, excused)
  }
  roles = await pair.settle()
  const endedAt = Date.now()
  checkHolders(pair, calmAt, excused)
  const requests = pair.requests().filter(({ sentAt }) => sentAt >= calmAt)
  const { writesLost, writesLostForGood } = await lostWrites(pair, roles, calmAt, endedAt)
  assert.equal(writesLostForGood, 0, 'acknowledged writes that are kept nowhere')
  await requireEqual(roles)
  return {
    faults,
    minutes: (endedAt - startedAt) / 60_000,
    roleChanges: Math.max(...terms.values()),
    requests: requests.length,
    failed: requests.filter((one) => !isAnswered(one)).length,
    acknowledged: acknowledgedWrites(requests, calmAt, endedAt).length,
    unsent: writesLost,
    allowed,
  }
}

/** Two never hold the address, but while the servers are cut off from each other. */
function checkHolders(
  pair: LabPair,
  from: number,
  excused: readonly { readonly from: number; readonly until: number }[],
): void {
  let checkedFrom = from
  for (const span of [...excused, { from: Date.now(), until: Infinity }]) {
    const both = heldByBothMs(pair.held(pair.a), pair.held(pair.b), checkedFrom, span.from)
    assert.equal(both, 0, `both servers held the address for ${both} ms`)
    checkedFrom = span.until
  }
}

/** Of each server, as far as it answers. */
async function checkTerms({ a, b }: LabPair, terms: Map<string, number>): Promise<void> {
  for (const server of [a, b]) {
    const term = (await server.status())?.server.term
    if (term === undefined) continue
    const before = terms.get(server.name) ?? 0
    assert.ok(term >= before, `the term of ${server.name} fell from ${before} to ${term}`)
    terms.set(server.name, term)
  }
}

async function allowTakeOvers(pair: LabPair): Promise<void> {
  const { active } = await pair.settle()
  await active.agentClient.setAutomatic({ on: true })
}

async function requireEqual({ active }: Roles): Promise<void> {
  const { differences } = await active.agentClient.check({ repair: false })
  assert.deepEqual(differences, [], 'the standby differs from the active')
}

/** A phase is what is random here: there is nothing to wait for. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function at(startedAt: number): string {
  return `${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`
}
