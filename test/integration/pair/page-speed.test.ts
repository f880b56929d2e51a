import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createPlatform, type Platform } from '../../../examples/platform/create-platform.ts'
import { loadAgentConfig } from '../../../plugin/config/agent-config.ts'
import { type AgentPair, startAgentPair } from '../../support/agent-pair.ts'
import { historyLines } from '../../support/history-lines.ts'
import { BASE } from '../../support/plugin-routes.ts'
import { assertPrompt, LONGEST_MS, PROMPT_PAGES } from '../../support/prompt-pages.ts'
import { runSql } from '../../support/run-sql.ts'
import { API_TOKEN, PASSWORD } from '../../support/web-platform.ts'

const EVENTS = 100_000
const TABLES = 500

describe(`pages of a real pair with ${TABLES} tables and ${EVENTS} events`, function () {
  this.timeout(180_000)
  let pair: AgentPair
  let platform: Platform
  let server: Server

  before(async () => {
    const ddl = Array.from(
      { length: TABLES },
      (_, index) => `create table t${index} (id int primary key, v text);`,
    ).join('')
    pair = await startAgentPair({ ddl })
    const config = loadAgentConfig(pair.secondary.configPath)
    await pair.secondary.stop()
    await writeFile(join(config.stateDirectory, 'history.jsonl'), historyLines(EVENTS))
    await pair.secondary.start()
    // The platform's own tables are not what this is about.
    await runSql(pair.cluster.url(), 'create database platform')
    platform = await createPlatform({
      name: 'PBX under test',
      listen: { host: '127.0.0.1', port: 0 },
      databaseUrl: pair.cluster.url('platform'),
      socketPath: config.socketPath,
      sessionSecret: 'a secret of tests, long enough to be one',
      initialPassword: PASSWORD,
      initialApiToken: API_TOKEN,
    })
    server = await new Promise<Server>((resolve) => {
      const listening = platform.app.listen(0, '127.0.0.1', () => resolve(listening))
    })
    await pair.whole()
  })
  after(async () => {
    await platform?.close()
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
    await pair?.close()
  })

  it('are about as much as that', async () => {
    const { replication } = await pair.secondary.client.status()
    assert.equal(replication.tables.length, TABLES)
    const { events } = await pair.secondary.client.events({ before: 3 })
    assert.deepEqual(
      events.map(({ id }) => id),
      [2, 1],
    )
  })

  for (const page of PROMPT_PAGES)
    it(`begin to answer within ${LONGEST_MS} ms: /${page}`, () => {
      const { port } = server.address() as AddressInfo
      return assertPrompt(`http://127.0.0.1:${port}${BASE}/${page}`)
    })
})
