import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { PostgresMajor } from '../../examples/demo/postgres-binaries.ts'
import { sqlStateOf } from '../../plugin/db/sql-state.ts'
import { type Random, seeded } from '../simulation/random.ts'
import type { Pace } from './pace.ts'
import { EXPECTED_ERRORS, randomStatement, type Statement } from './statements.ts'

export interface WritersInput {
  readonly url: string
  readonly seed: number
  readonly major: PostgresMajor
  /** The older of the two servers: what both must understand. */
  readonly oldest: PostgresMajor
  readonly prepared: boolean
  readonly pace: Pace
  readonly stop: AbortSignal
}

export interface WriterCounts {
  committed: number
  rolledBack: number
  prepared: number
  failed: number
}

/** Formats of a writer's session must not reach the standby. */
const HOSTILE_SETTINGS = [
  '',
  `set datestyle = 'SQL, DMY'; set timezone = 'Asia/Kolkata'; set intervalstyle = iso_8601;
   set extra_float_digits = -3; set bytea_output = escape`,
  `set search_path = public, pg_catalog; set timezone = 'America/New_York'; set synchronous_commit = off`,
  `set default_transaction_isolation = 'serializable'`,
  `set default_transaction_isolation = 'repeatable read'`,
]

const WRITERS = 5

/** Five writers and one with long transactions, until they are stopped. Rejects when one fails as none should. */
export async function write(input: WritersInput, counts: WriterCounts): Promise<void> {
  const roles = Array.from({ length: WRITERS + 1 }, (_, number) => ({
    number,
    long: number === WRITERS,
  }))
  await Promise.all(roles.map((role) => oneWriter(input, role, counts)))
}

async function oneWriter(
  input: WritersInput,
  role: { readonly number: number; readonly long: boolean },
  counts: WriterCounts,
): Promise<void> {
  const random = seeded(input.seed * 31 + role.number)
  const client = new pg.Client({ connectionString: input.url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    // A writer that waits gives up soon, or the comparing reader would wait behind it.
    await client.query(`set lock_timeout = '80ms'; set deadlock_timeout = '20ms';
      ${HOSTILE_SETTINGS[role.number % HOSTILE_SETTINGS.length]}`)
    for (let number = 0; !input.stop.aborted; number++) {
      const name = `w${role.number}_${number}`
      await input.pace.leave()
      await oneTransaction(client, { ...input, random, long: role.long, name }, counts)
    }
  } finally {
    await client.end()
  }
}

interface Turn extends WritersInput {
  readonly random: Random
  readonly long: boolean
  readonly name: string
}

async function oneTransaction(client: pg.Client, turn: Turn, counts: WriterCounts): Promise<void> {
  const { random } = turn
  try {
    if (!turn.long && random.chance(0.4)) {
      await execute(client, next(turn))
      counts.committed++
      return
    }
    await client.query('begin')
    const steps = Math.floor(random.between(1, turn.long ? 12 : 5))
    for (let step = 0; step < steps; step++) await oneStep(client, turn)
    await finish(client, turn, counts)
  } catch (error) {
    counts.failed++
    await client.query('rollback')
    if (!EXPECTED_ERRORS.has(sqlStateOf(error) ?? '')) throw error
  }
}

/** A statement, at times inside a savepoint that is kept, rolled back, or rolled back because it failed. */
async function oneStep(client: pg.Client, turn: Turn): Promise<void> {
  const { random } = turn
  if (turn.long) await sleep(random.between(0, 60))
  if (!random.chance(0.35)) return execute(client, next(turn))
  await client.query('savepoint s')
  try {
    await execute(client, next(turn))
    if (random.chance(0.3)) await execute(client, next(turn))
    await client.query(random.chance(0.5) ? 'rollback to savepoint s' : 'release savepoint s')
  } catch (error) {
    if (!EXPECTED_ERRORS.has(sqlStateOf(error) ?? '')) throw error
    await client.query('rollback to savepoint s')
  }
}

async function finish(client: pg.Client, turn: Turn, counts: WriterCounts): Promise<void> {
  const { random, name } = turn
  const end = random.next()
  if (end < 0.2) {
    await client.query('rollback')
    counts.rolledBack++
  } else if (turn.prepared && end < 0.4) {
    await client.query(`prepare transaction '${name}'`)
    await sleep(random.between(0, 60))
    await client.query(`${random.chance(0.25) ? 'rollback' : 'commit'} prepared '${name}'`)
    counts.prepared++
  } else {
    await client.query('commit')
    counts.committed++
  }
}

function next(turn: Turn): Statement {
  return randomStatement(turn.random, turn.major, turn.oldest)
}

async function execute(client: pg.Client, statement: Statement): Promise<void> {
  try {
    if (statement.data === undefined) {
      await client.query(statement.sql)
      return
    }
    const stream = client.query(copyFrom(statement.sql))
    stream.end(statement.data)
    await once(stream, 'finish')
  } catch (error) {
    if (error instanceof Error) error.message += `, in: ${statement.sql}`
    throw error
  }
}
