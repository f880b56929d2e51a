import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type PostgresCluster,
  startPostgresCluster,
} from '../../../examples/demo/postgres-cluster.ts'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { withClient } from '../../support/database.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const GRANT = 'grant set on parameter session_replication_role to "hot_standby"'

/** In the order in which an administrator meets them: each test leaves the database a step further. */
describe('hot-standby migrate and doctor on a real database', function () {
  this.timeout(60_000)
  const folder = temporaryFolder()
  let cluster: PostgresCluster
  let configPath = ''

  before(async () => {
    cluster = await startPostgresCluster({ durable: false })
    await withClient(cluster.url(), async (client) => {
      await client.query('create role hot_standby login')
      await client.query('create table extensions (number text primary key, name text)')
      await client.query('create table sessions (sid text primary key)')
    })
    configPath = join(folder.path, 'hot-standby.config.json')
    await writeFile(configPath, JSON.stringify(config(cluster)))
  })
  after(async () => {
    await cluster.destroy()
    folder.remove()
  })

  const cli = async (...argv: readonly string[]) => {
    const lines: string[] = []
    const io = {
      out: (line: string) => lines.push(line),
      err: (line: string) => lines.push(line),
      clear: () => undefined,
    }
    const status = await runCli(['--config', configPath, ...argv], io)
    return { status, text: lines.join('\n') }
  }

  it('doctor says that the migration is missing, and how to do it', async () => {
    const { status, text } = await cli('doctor')
    assert.equal(status, 1)
    assert.match(text, /^ok {7}Database: /mu)
    assert.match(text, /^FAILED {3}Migrations: .*0001_journal\n {9}Run `hot-standby migrate`/mu)
    assert.match(text, /^FAILED {3}Agent: /mu)
  })

  it('migrate names what it captured and excluded, and fails while a right is missing', async () => {
    const { status, text } = await cli('migrate')
    assert.equal(status, 1)
    assert.match(text, /^Migrations {6}applied 0001_journal/mu)
    assert.match(text, /^Capture {9}1 tables installed, 0 unchanged, 0 removed$/mu)
    assert.match(text, /^Excluded {8}public\.sessions: /mu)
    assert.ok(text.includes(`  ${GRANT};`), text)
  })

  it('doctor prints the statement that gives the right', async () => {
    const { text } = await cli('doctor')
    assert.match(text, /^ok {7}Migrations: /mu)
    assert.ok(text.includes(`Run as superuser: ${GRANT};`), text)
  })

  it('migrate is done when the right is there, and again and again', async () => {
    await withClient(cluster.url(), (client) => client.query(GRANT))
    for (let times = 0; times < 2; times++) {
      const { status, text } = await cli('migrate')
      assert.equal(status, 0, text)
      assert.match(text, /0 tables installed, 1 unchanged, 0 removed/u)
    }
    assert.match((await cli('doctor')).text, /^ok {7}Rights in the database: /mu)
  })

  it('migrate says what is wrong when the database does not answer', async () => {
    await cluster.stop()
    const { status, text } = await cli('migrate')
    assert.equal(status, 1)
    assert.match(text, /\(HS_DATABASE_UNREACHABLE\)\nRemedy: /u)
    assert.doesNotMatch(text, /^\s+at /mu)
  })
})

function config(cluster: PostgresCluster): object {
  return {
    stateDirectory: 'state',
    database: {
      url: cluster.url().replace('postgres@', 'hot_standby@'),
      ownerUrl: cluster.url(),
      exclude: { tables: ['sessions'] },
    },
    network: { interface: 'lo', driver: 'listener' },
    platform: {
      facts: {
        productName: 'Example PBX',
        serialNumber: 'EX-1',
        plan: 'Enterprise',
        firmwareVersion: '1.0',
        capacity: { extensions: 1, concurrentCalls: 1 },
      },
    },
  }
}
