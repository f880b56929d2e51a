import { readFile, writeFile } from 'node:fs/promises'
import type { PostgresCluster } from '../../examples/demo/postgres-cluster.ts'
import { withClient } from './database.ts'

/** From now on this role logs in with this password only; every other role as before. */
export async function requirePassword(
  cluster: PostgresCluster,
  role: string,
  password: string,
): Promise<void> {
  await withClient(cluster.url(), async (client) => {
    await client.query(`alter role ${role} password '${password}'`)
    const { rows } = await client.query<{ hba_file: string }>('show hba_file')
    const path = rows[0]?.hba_file ?? ''
    await writeFile(path, `host all ${role} all scram-sha-256\n${await readFile(path, 'utf8')}`)
    await client.query('select pg_reload_conf()')
  })
}
