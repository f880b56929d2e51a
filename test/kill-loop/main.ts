// Faults of the lab one after the other, each at a random moment of the recovery from the one before, mended after a random time:
// npm run test:kill-loop -- --faults N --seed N --profile WORDS
import { parseArgs } from 'node:util'
import { findProgram } from '../../plugin/agent/find-program.ts'
import { seeded } from '../simulation/random.ts'
import { networkFaults, serverFaults } from '../support/lab/faults.ts'
import { openPair } from '../support/lab/pair.ts'
import { PROFILES } from '../support/lab/profiles.ts'
import { runKillLoop } from './kill-loop.ts'

const HELP = `usage: npm run test:kill-loop -- [options]

  --faults N       so many faults (20)
  --seed N         the same faults and pauses again
  --profile WORDS  times of the pair, by words of a name of profiles.ts (a gate where there is nft, else an address)
`
/** Waits for a stranger at the address by itself, which is a story of its own. */
const LEFT_OUT = ['the address taken by a stranger when the active dies']

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const [faults, seed] = [values.faults, values.seed].map(Number) as [number, number]
if (!Number.isSafeInteger(faults) || faults < 1 || !Number.isSafeInteger(seed)) {
  console.error(`--faults takes a number of 1 or more, and --seed a number\n\n${HELP}`)
  process.exit(2)
}
const words = values.profile ?? ((await findProgram('nft')) === null ? 'address' : 'gate')
const profile = PROFILES.find(({ name }) => name.includes(words))
if (profile === undefined) {
  console.error(
    `--profile: there is none with "${words}": ${PROFILES.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

const pair = await openPair({ program: 'source', ...profile.pair })
if (pair === null || pair.network.missing !== null) {
  console.log(`skipped: ${pair?.network.missing ?? 'there are no network namespaces'}`)
  await pair?.close()
  process.exit(0)
}
const scenarios = [...serverFaults(profile.times), ...networkFaults(profile.times)].filter(
  ({ name }) => !LEFT_OUT.includes(name),
)
console.log(`kill loop: ${faults} faults, seed ${seed}, ${profile.name}`)
let failed = false
try {
  const { deadMs } = profile.times
  const found = await runKillLoop({
    pair,
    scenarios,
    faults,
    random: seeded(seed),
    deadMs,
    log: console.log,
  })
  console.log(
    `${found.faults} faults in ${found.minutes.toFixed(1)} min, ${found.roleChanges} changes of the role; ${found.requests} requests, ${found.failed} failed; ${found.acknowledged} writes acknowledged, ${found.unsent} of them kept as unsent; two holders only while the servers were cut off from each other; healed by itself, with automatic take-overs allowed anew ${found.allowed} times`,
  )
} catch (error) {
  failed = true
  console.error(`FAILED: ${error instanceof Error ? error.message : String(error)}`)
  console.error(
    `again: npm run test:kill-loop -- --faults ${faults} --seed ${seed} --profile '${words}'`,
  )
} finally {
  await pair.close()
}
process.exit(failed ? 1 : 0)
