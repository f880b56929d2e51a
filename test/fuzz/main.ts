import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { POSTGRES_MAJORS, type PostgresMajor } from '../../examples/demo/postgres-binaries.ts'
import { runCampaign } from './campaign.ts'
import { ClusterPool } from './cluster-pool.ts'

interface Pairing {
  readonly active: PostgresMajor
  readonly standby: PostgresMajor
}

const { values } = parseArgs({
  options: {
    batches: { type: 'string', default: '2000' },
    seed: { type: 'string' },
    active: { type: 'string' },
    standby: { type: 'string' },
    /** Two-phase commits; by default in every other pairing. */
    prepared: { type: 'string' },
    lanes: { type: 'string', default: '2' },
  },
})

const batches = numberOption('batches', values.batches)
const seed = numberOption('seed', values.seed ?? String(Math.floor(Math.random() * 1e9)))
const lanes = numberOption('lanes', values.lanes)
const pairings = chosenMajors(values.active).flatMap((active) =>
  chosenMajors(values.standby).map((standby) => ({ active, standby })),
)

process.exitCode = pairings.length > 1 && lanes > 1 ? await inLanes() : await oneAfterTheOther()

/** Processes of their own, since the comparison keeps a core busy. */
async function inLanes(): Promise<number> {
  console.log(`fuzz: ${batches} batches over ${pairings.length} pairings of versions, seed ${seed}`)
  const queue = [...chosenMajors(values.active)]
  const share = Math.ceil(batches / chosenMajors(values.active).length)
  let worst = 0
  const lane = async (): Promise<void> => {
    for (let active = queue.shift(); active !== undefined; active = queue.shift()) {
      const standby = values.standby === undefined ? [] : ['--standby', values.standby]
      const prepared = values.prepared === undefined ? [] : ['--prepared', values.prepared]
      worst = Math.max(
        worst,
        await again(['--active', String(active), ...standby, ...prepared], share),
      )
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  console.log(worst === 0 ? `fuzz: every cut was exact (seed ${seed})` : 'fuzz: FAILED')
  return worst
}

async function again(options: readonly string[], share: number): Promise<number> {
  const own = ['--import=tsx', import.meta.filename, ...options, '--lanes', '1']
  const child = spawn(
    process.execPath,
    [...own, '--seed', String(seed), '--batches', String(share)],
    {
      stdio: 'inherit',
    },
  )
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

async function oneAfterTheOther(): Promise<number> {
  const pool = new ClusterPool()
  try {
    for (const [index, pairing] of pairings.entries()) {
      if (!(await onePairing(pool, pairing, index))) return 1
    }
    return 0
  } finally {
    await pool.destroy()
  }
}

async function onePairing(pool: ClusterPool, pairing: Pairing, index: number): Promise<boolean> {
  const prepared =
    values.prepared === undefined
      ? (pairing.active + index + seed) % 2 === 0
      : values.prepared === 'on'
  const share = Math.ceil(batches / pairings.length)
  const name = `${pairing.active} -> ${pairing.standby}${prepared ? ', two-phase' : ''}`
  try {
    const report = await runCampaign({
      active: {
        cluster: await pool.get(pairing.active, 'active', prepared),
        major: pairing.active,
      },
      standby: {
        cluster: await pool.get(pairing.standby, 'standby', false),
        major: pairing.standby,
      },
      seed,
      batches: share,
      prepared,
    })
    const { writers } = report
    const written = `${writers.committed} committed, ${writers.prepared} prepared, ${writers.rolledBack} rolled back, ${writers.failed} failed`
    const aside = `${report.rewritten} rewritten meanwhile, ${report.excused} excused by ${report.partitionMoves} partition moves`
    console.log(
      `${name}: ${report.batches} batches exact, ${report.tables} tables compared (${aside}); ${written}; ${report.seconds.toFixed(1)} s`,
    )
    return true
  } catch (error) {
    console.error(
      `${name}: FAILED\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
    console.error(
      `replay: npm run test:fuzz -- --seed ${seed} --batches ${share} --active ${pairing.active} --standby ${pairing.standby} --prepared ${prepared ? 'on' : 'off'}`,
    )
    return false
  }
}

function chosenMajors(text: string | undefined): readonly PostgresMajor[] {
  if (text === undefined) return POSTGRES_MAJORS
  const major = POSTGRES_MAJORS.find((known) => String(known) === text)
  if (major === undefined) throw new Error(`${text} is not one of ${POSTGRES_MAJORS.join(', ')}`)
  return [major]
}

function numberOption(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} must be a number of 1 or more`)
  return value
}
