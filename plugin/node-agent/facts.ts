import type { ServerFacts } from '../core/facts.ts'
import type { Logger } from '../logger.ts'
import { PACKAGE_VERSION } from '../package-version.ts'
import type { FactsProvider, ReplicationEngine } from '../ports.ts'

const FRESH_MS = 5000

/** The database side, which knows what the pair leaves out. */
export interface DatabaseFactsSource {
  databaseFacts(): ReturnType<ReplicationEngine['databaseFacts']>
}

/** This server's facts, completed from platform, kernel and database. */
export interface FactsSource {
  /** At most a few seconds old. Errors: HS_CONFIG_INVALID, HS_DATABASE_*. */
  read(): Promise<ServerFacts>
  /** The last facts that could be read, for the status page. */
  last(): ServerFacts | null
  /** What is read next must be new. */
  expire(): void
}

/** Reads the facts when asked; keeps them for a few seconds because heartbeats and pages ask often. */
export function createFactsSource(
  platform: FactsProvider,
  engine: DatabaseFactsSource,
  freeDiskBytes: () => Promise<number>,
  logger: Logger,
): FactsSource {
  let last: ServerFacts | null = null
  let readAt = -Infinity
  let expiries = 0
  const readNow = async (): Promise<ServerFacts> => {
    const [own, database] = await Promise.all([platform(), databaseFacts(engine, last, logger)])
    return {
      ...own,
      ...database,
      freeDiskBytes: database.freeDiskBytes ?? (await freeDiskBytes()),
      clockMs: Date.now(),
      packageVersion: PACKAGE_VERSION,
    }
  }
  return {
    last: () => last,
    expire() {
      readAt = -Infinity
      expiries += 1
    },
    async read() {
      const age = performance.now() - readAt
      if (last !== null && age < FRESH_MS) return { ...last, clockMs: Date.now() }
      // Facts that expire while they are read may be those of before: they are read again.
      for (;;) {
        const before = expiries
        const read = await readNow()
        if (before !== expiries) continue
        last = read
        readAt = performance.now()
        return read
      }
    },
  }
}

/** With the database down the last known values stand in: the peer is told of the database by heartbeat. */
async function databaseFacts(
  engine: DatabaseFactsSource,
  last: ServerFacts | null,
  logger: Logger,
): ReturnType<DatabaseFactsSource['databaseFacts']> {
  try {
    return await engine.databaseFacts()
  } catch (error) {
    if (last === null) throw error
    logger.debug({ err: error }, 'the database facts could not be read')
    return last
  }
}
