import type pg from 'pg'
import type { DoctorCheck } from '../../api/agent-api.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { closeQuietly, urlConnector } from '../../db/connector.ts'
import { toHotStandbyError } from '../../errors.ts'
import {
  danglingReferences,
  requireMigrated,
  requireRights,
  requireRowConditions,
  requireSupported,
} from '../../replication/open-database.ts'
import { failed, ok, warning } from './doctor-check.ts'

/** The same checks as the agent makes when it opens the database, each on a line of its own. */
export async function checkDatabase({ database }: AgentConfig): Promise<DoctorCheck[]> {
  let client: pg.Client
  try {
    client = await urlConnector(database.url, database.passwordFile).open('doctor')
  } catch (thrown) {
    return [failed('database', 'Database', toHotStandbyError(thrown))]
  }
  const check = async (
    id: string,
    title: string,
    detail: string,
    run: () => Promise<void>,
  ): Promise<DoctorCheck> =>
    run().then(
      () => ok(id, title, detail),
      (thrown: unknown) => failed(id, title, toHotStandbyError(thrown)),
    )
  try {
    return [
      await check('database', 'Database', 'answers and can be used', () =>
        requireSupported(client),
      ),
      await check('migrations', 'Migrations', `all applied in schema ${database.schema}`, () =>
        requireMigrated(client, database),
      ),
      await check('databaseRights', 'Rights in the database', 'the role has them', () =>
        requireRights(client),
      ),
      await check('rowConditions', 'Rows left out', 'every condition fits its table', () =>
        requireRowConditions(client, database),
      ),
      await checkReferences(client, database),
    ]
  } finally {
    await closeQuietly(client)
  }
}

async function checkReferences(
  client: pg.Client,
  database: AgentConfig['database'],
): Promise<DoctorCheck> {
  const found = await danglingReferences(client, database)
  const [id, title] = ['references', 'Foreign keys']
  if (found.length === 0) return ok(id, title, 'replicated tables refer to replicated tables')
  const detail = found.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  return warning(id, title, detail, 'Change `database.exclude`, then run `hot-standby migrate`.')
}
