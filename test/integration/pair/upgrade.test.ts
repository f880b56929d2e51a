import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

const CHAPTER = readFileSync(join(import.meta.dirname, '../../../docs/guide/upgrade.md'), 'utf8')
const NEW_FIRMWARE = '83.7.0.1'
const COMMANDS = [...CHAPTER.matchAll(/^hot-standby (.+)$/gm)].map(([, command = '']) => command)
const ROLE = /^select role from .+$/m.exec(CHAPTER)?.[0] ?? ''

describe('the upgrade chapter of the guide', function () {
  this.timeout(120_000)
  let pair: AgentPair

  before(async () => {
    const ddl = 'create table extension (number text primary key, name text)'
    pair = await startAgentPair({ ddl, factsCommand: true })
  })
  after(() => pair.close())

  const run = async (server: PairServer, command: string | undefined): Promise<string> => {
    const lines: string[] = []
    const note = (line: string): void => void lines.push(line)
    const argv = ['--config', server.configPath, ...(command ?? 'missing').split(' ')]
    const status = await runCli(argv, { out: note, err: note, clear: () => undefined })
    assert.equal(status, 0, `${command}\n${lines.join('\n')}`)
    return lines.join('\n')
  }
  const upgrade = async (server: PairServer, migrate: string | undefined): Promise<void> => {
    await server.stop()
    await server.sayFacts({ firmwareVersion: NEW_FIRMWARE })
    await server.sql('alter table extension add column mail text')
    await server.sql('create table parking_lot (number text primary key)')
    const [row] = await server.sql<{ role: string }>(ROLE)
    if (row?.role === 'active') await server.sql("update extension set mail = name || '@x.example'")
    await run(server, migrate)
    await server.start()
  }
  const extensions = (server: PairServer): Promise<readonly unknown[]> =>
    server.sql('select * from extension order by number')

  it('leads from one firmware to the next, and nothing is lost', async () => {
    const { primary: active, secondary: standby } = pair
    const [on, migrateStandby, migrateActive, off, wait, check, ...more] = COMMANDS
    assert.deepEqual(more, [])
    await active.sql("insert into extension values ('1', 'before')")
    await run(standby, on)

    await upgrade(standby, migrateStandby)
    await active.sql("insert into extension values ('2', 'between')")
    await waitUntil('the blockers of an upgrade', async () => {
      const ids = (await standby.client.status()).blockers.map(({ id }) => id)
      return ['requirement:sameFirmware', 'requirement:sameSchema'].every((id) => ids.includes(id))
    })
    await upgrade(active, migrateActive)
    await active.client.wait({ for: 'active', timeoutMs: 30_000 })
    assert.equal((await standby.client.status()).server.role, 'standby')

    await run(active, off)
    await run(standby, wait)
    assert.match(await run(standby, check), /The standby is identical/)
    await pair.whole()
    await active.sql("insert into parking_lot values ('70')")
    await waitUntil(
      'the new table',
      async () => (await standby.sql('select * from parking_lot')).length === 1,
    )
    const rows = await extensions(active)
    assert.deepEqual(rows, [
      { number: '1', name: 'before', mail: 'before@x.example' },
      { number: '2', name: 'between', mail: 'between@x.example' },
    ])
    assert.deepEqual(await extensions(standby), rows)
  })

  it('lets the upgraded standby serve first, when no table changes', async () => {
    const { primary: active, secondary: standby } = pair
    await standby.stop()
    await standby.sayFacts({ firmwareVersion: '83.8.0.1' })
    await standby.start()
    await waitUntil('the blocker', async () =>
      (await standby.client.status()).blockers.some(({ id }) => id === 'requirement:sameFirmware'),
    )
    await standby.client.wait({ for: 'in-sync', timeoutMs: 30_000 })
    await active.sql("insert into extension values ('3', 'last moment')")
    const [command] = /take-over --force/.exec(CHAPTER) ?? []
    const told = await run(standby, `${command} --yes`)
    assert.match(told, /same firmware/)
    assert.equal((await standby.client.status()).server.role, 'active')
    assert.equal((await extensions(standby)).length, 3)
    assert.deepEqual((await active.client.unsent()).changes, [])
  })
})
