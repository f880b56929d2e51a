import assert from 'node:assert/strict'
import { clockFaults } from '../support/lab/clock-faults.ts'
import { missingFakeClock } from '../support/lab/fake-clock.ts'
import { networkFaults, serverFaults } from '../support/lab/faults.ts'
import { machineFaults } from '../support/lab/machine-faults.ts'
import { type Measurement, measure } from '../support/lab/measure.ts'
import { type LabPair, openPair } from '../support/lab/pair.ts'
import { type Profile, PROFILES } from '../support/lab/profiles.ts'
import type { Scenario } from '../support/lab/scenario.ts'
import { missingWitness } from '../support/lab/lab-witness.ts'
import { witnessFaults } from '../support/lab/witness-faults.ts'

/** The machine that runs the tests runs two servers, a client and a gateway at once. */
const NOISE_ALLOWED_MS = 400

for (const profile of chosen('PROFILES', PROFILES))
  describe(`A whole pair on hosts of its own, a client at the virtual IP: ${profile.name}`, function () {
    this.timeout(180_000)
    let pair: LabPair

    before(async function () {
      const missing = await missingFor(profile)
      if (missing !== null) {
        console.log(`    skipped: ${missing}`)
        return this.skip()
      }
      const opened = await openPair({ program: 'source', ...profile.pair })
      if (opened === null) return this.skip()
      if (opened.network.missing !== null) {
        console.log(`    skipped: ${opened.network.missing}`)
        await opened.close()
        return this.skip()
      }
      pair = opened
    })
    after(() => pair?.close())

    for (const scenario of chosen('FAULTS', faultsOf(profile)))
      it(`${scenario.name}: ${scenario.expected}`, async () => {
        const found = await measureSafely(pair, scenario)
        // Load of this machine may delay one take-over; two in a row are late for another reason.
        const again = isNoticed(scenario, found) ? await measureSafely(pair, scenario) : found
        assert.ok(
          !isNoticed(scenario, again),
          `twice too much: without service for ${found.outageMs} and ${again.outageMs} ms, allowed are ${scenario.outageLimitMs}; ${found.requestsFailed} and ${again.requestsFailed} requests failed, allowed are ${scenario.failedLimit}`,
        )
      })
  })

/** What must hold however slow the machine is. */
async function measureSafely(pair: LabPair, scenario: Scenario): Promise<Measurement> {
  const found = await measure(pair, scenario)
  if (process.env['HOT_STANDBY_LAB_VERBOSE'] !== undefined) console.log(found)
  else {
    const { outageMs, requestsFailed, writesLost } = found
    const more = `${requestsFailed} requests failed, ${writesLost} writes not on the active at once`
    console.log(`      ${scenario.name}: without service for ${outageMs} ms; ${more}`)
  }
  assert.equal(found.moved, scenario.moves, 'who is active')
  if (scenario.mayHoldBoth !== true) {
    assert.equal(found.bothHeldMs, 0, 'both held the address')
    assert.equal(found.bothHeldAfterMs, 0, 'both held the address after the mending')
  } else assert.ok(found.bothHeldAfterMs <= 1000 + NOISE_ALLOWED_MS, 'one holder within a second')
  assert.ok(found.stayedAfterwards, 'who served last goes on')
  assert.equal(found.writesLostForGood, 0, 'acknowledged writes that are kept nowhere')
  return found
}

function faultsOf({ times, faults }: Profile): readonly Scenario[] {
  const alone = [...serverFaults(times), ...networkFaults(times), ...machineFaults(times)]
  if (faults === 'all') return alone
  const all = [...alone, ...witnessFaults(times), ...clockFaults(times)]
  return faults.map((name) => {
    const found = all.find((scenario) => scenario.name === name)
    assert.ok(found, `there is no fault ${name}`)
    return found
  })
}

/** What this machine lacks for it. */
async function missingFor({ pair }: Profile): Promise<string | null> {
  if (pair.witness === true) return missingWitness()
  return pair.clocks === true ? missingFakeClock() : null
}

/** Clients notice more than is promised. */
function isNoticed(
  { outageLimitMs, failedLimit = Infinity }: Scenario,
  { outageMs, noiseMs, requestsFailed }: Measurement,
): boolean {
  const allowedMs = (outageLimitMs ?? Infinity) + Math.max(noiseMs, NOISE_ALLOWED_MS)
  return outageMs > allowedMs || requestsFailed > failedLimit
}

/** Those whose name has the words of `HOT_STANDBY_LAB_<what>`; all without it. */
function chosen<T extends { readonly name: string }>(
  what: string,
  all: readonly T[],
): readonly T[] {
  const wanted = process.env[`HOT_STANDBY_LAB_${what}`]
  return wanted === undefined ? all : all.filter(({ name }) => name.includes(wanted))
}
