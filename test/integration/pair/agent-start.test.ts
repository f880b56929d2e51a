import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type PostgresCluster,
  startPostgresCluster,
} from '../../../examples/demo/postgres-cluster.ts'
import { createAgentClient } from '../../../plugin/api/agent-client.ts'
import { createNodeAgent } from '../../../plugin/create-node-agent.ts'
import { migrateDatabase } from '../../../plugin/replication/migrate-database.ts'
import { makeTestServer, type TestServer } from '../../support/agent-config.ts'
import { asOrdinaryUser, NOBODY } from '../../support/as-ordinary-user.ts'
import { runSql } from '../../support/run-sql.ts'
import { waitUntil } from '../../support/wait-until.ts'

const MAIN = fileURLToPath(new URL('../../../plugin/cli/main.ts', import.meta.url))

describe('starting the agent', function () {
  this.timeout(60_000)
  let folder: string
  let cluster: PostgresCluster
  let server: TestServer

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hot-standby-start-'))
    cluster = await startPostgresCluster({ durable: false })
  })
  after(async () => {
    await cluster.destroy()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(async function () {
    const database = `db_${(this.currentTest?.title ?? '').replaceAll(/\W+/g, '_').slice(0, 40)}`
    await runSql(cluster.url(), `create database ${database}`)
    server = await makeTestServer({
      folder,
      name: database,
      address: '127.0.0.1',
      databaseUrl: cluster.url(database),
      serialNumber: 'T-1',
      virtualIpPort: 9,
    })
  })

  /** Runs `hot-standby agent` to its end; a started agent would end with the time limit and fail the test. */
  const refusal = async (user: { readonly uid?: number } = {}): Promise<string> => {
    const args = ['--import=tsx', MAIN, 'agent', '--config', server.configPath]
    // Another user needs a temporary folder of his own.
    const env = user.uid === undefined ? process.env : { ...process.env, TMPDIR: folder }
    const options = { timeout: 20_000, env, ...user }
    const { status, stderr } = await new Promise<{ status: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, args, options, (error, _, text) => {
        resolve({ status: error?.code ?? 0, stderr: text })
      })
    })
    assert.equal(status, 1, stderr)
    assert.doesNotMatch(stderr, /^\s+at /m, 'no stack trace')
    return stderr
  }

  it('refuses a second agent with the same state directory', async () => {
    await migrateDatabase(server.config.database)
    const agent = await createNodeAgent(server.config)
    await agent.start()
    try {
      assert.match(await refusal(), /Another agent already runs.*\n?.*Stop the other agent/s)
    } finally {
      await agent.stop()
    }
  })

  it('refuses a state directory that is a file', async () => {
    await writeFile(server.config.stateDirectory, '')
    assert.match(await refusal(), /state directory cannot be used/)
  })

  it('refuses a state directory that it may not read', async function () {
    await mkdir(server.config.stateDirectory, { mode: 0o000 })
    if (process.geteuid?.() !== 0) {
      assert.match(await refusal(), /state directory cannot be used.*EACCES.*Remedy: /s)
      return
    }
    // Root may read everything: the agent of an ordinary user is tried.
    await asOrdinaryUser(folder, async () => {
      await access(MAIN).catch(() => {
        process.stdout.write('    skipped: an ordinary user may not read this folder\n')
        this.skip()
      })
    })
    assert.match(
      await refusal({ uid: NOBODY }),
      /state directory cannot be used: .* belongs to user 0.*Remedy: Run `chown /s,
    )
  })

  it('refuses state files that somebody damaged, by name and with the remedy', async () => {
    await mkdir(server.config.stateDirectory, { mode: 0o700 })
    for (const [name, text] of [
      ['settings.json', '{"server":{"identity":"boss"},"pair":null}'],
      ['peer.json', '{"serverId":"x"}'],
      ['server.json', 'not JSON'],
    ] as const) {
      const path = join(server.config.stateDirectory, name)
      await writeFile(path, text)
      assert.match(
        await refusal(),
        new RegExp(`${name} .*HS_STATE_UNREADABLE.*Remedy: .*backup`, 's'),
      )
      await rm(path)
    }
  })

  it('refuses a database without our schema', async () => {
    assert.match(await refusal(), /no hot standby schema.*hot-standby migrate/s)
  })

  it('refuses the database of another server', async () => {
    await migrateDatabase(server.config.database)
    await runSql(
      server.config.database.url,
      "update hot_standby.server_state set server_id = 'another'",
    )
    assert.match(await refusal(), /belongs to another/)
  })

  it('waits for a database that does not answer, says so, and works when it is back', async () => {
    await migrateDatabase(server.config.database)
    await cluster.stop()
    const lines: string[] = []
    const note = (fields: object, sentence: string): void => {
      lines.push(`${sentence} ${JSON.stringify(fields)}`)
    }
    const logger = { debug: () => undefined, info: () => undefined, warn: note, error: note }
    const agent = await createNodeAgent(server.config, { logger })
    try {
      await agent.start()
      const client = createAgentClient(server.config.socketPath)
      assert.equal((await client.status()).server.databaseUp, false)
      assert.ok(lines.some((line) => line.includes('HS_DATABASE_UNREACHABLE')))
      await cluster.start()
      await waitUntil('the database', async () => (await client.status()).server.databaseUp)
    } finally {
      await agent.stop()
      if (cluster.process() === null) await cluster.start()
    }
  })
})
