import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  freePort,
  type PostgresCluster,
  startPostgresCluster,
} from '../../../examples/demo/postgres-cluster.ts'
import type { AgentApi } from '../../../plugin/api/agent-api.ts'
import { createAgentClient } from '../../../plugin/api/agent-client.ts'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { createNodeAgent, type NodeAgent } from '../../../plugin/create-node-agent.ts'
import type { Identity } from '../../../plugin/core/facts.ts'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { migrateDatabase } from '../../../plugin/replication/migrate-database.ts'
import { makeTestServer, type TestServerOptions } from '../../support/agent-config.ts'
import { requirePassword } from '../../support/require-password.ts'
import { runSql } from '../../support/run-sql.ts'
import { waitUntil } from '../../support/wait-until.ts'

const VIRTUAL_IP = { address: '127.0.0.10', prefixLength: 8 }

interface Running {
  readonly agent: NodeAgent
  readonly client: AgentApi
  readonly address: string
  readonly configPath: string
}

describe('pairing two agents', function () {
  this.timeout(60_000)
  let folder: string
  let cluster: PostgresCluster
  let virtualIpPort: number
  let primary: Running
  let count = 0
  let usedCode = ''
  const running = new Set<NodeAgent>()

  const start = async (options: Partial<TestServerOptions>): Promise<Running> => {
    const name = `server${++count}`
    await runSql(cluster.url(), `create database ${name}`)
    await runSql(cluster.url(name), 'create table extension (number text primary key, name text)')
    const server = await makeTestServer({
      folder,
      name,
      address: '127.0.0.2',
      databaseUrl: cluster.url(name).replace('postgres@', 'replicator@'),
      database: { passwordFile: '../password', ownerUrl: cluster.url(name) },
      serialNumber: `T-${count}`,
      virtualIpPort,
      ...options,
    })
    await migrateDatabase(server.config.database)
    const agent = await createNodeAgent(server.config)
    await agent.start()
    running.add(agent)
    const { address, port } = server.config.listen
    return {
      agent,
      client: createAgentClient(server.config.socketPath),
      address: `${address}:${port}`,
      configPath: server.configPath,
    }
  }
  const stop = async ({ agent }: Running): Promise<void> => {
    running.delete(agent)
    await agent.stop()
  }
  const joinWith = async (secondary: Running, keepDataOf?: Identity): Promise<string> => {
    await secondary.client.saveSettings({ server: { identity: 'secondary' } })
    const { accessCode } = await primary.client.makeAccessCode()
    await joinBy(secondary, accessCode, keepDataOf)
    return accessCode
  }
  const joinBy = async (
    secondary: Running,
    accessCode: string,
    keepDataOf?: Identity,
  ): Promise<void> => {
    const answer = keepDataOf === undefined ? {} : { keepDataOf }
    await secondary.client.join({ peer: primary.address, accessCode, ...answer })
    await waitUntil('the end of the join', async () => {
      const { operation } = await secondary.client.status()
      return operation?.kind === 'join' && operation.outcome !== 'running'
    })
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hot-standby-pairing-'))
    cluster = await startPostgresCluster({ durable: false })
    await writeFile(join(folder, 'password'), 'a secret\n')
    await runSql(cluster.url(), 'create role replicator login')
    await runSql(cluster.url(), 'grant set on parameter session_replication_role to replicator')
    await requirePassword(cluster, 'replicator', 'a secret')
    virtualIpPort = await freePort(VIRTUAL_IP.address)
    primary = await start({ address: '127.0.0.1' })
    await primary.client.saveSettings({
      server: { identity: 'primary', expectedPeerSerialNumber: 'T-2' },
      pair: { virtualIp: VIRTUAL_IP, referenceAddresses: ['127.0.0.254'] },
    })
  })
  after(async () => {
    for (const agent of running) await agent.stop()
    await cluster.destroy()
    await rm(folder, { recursive: true, force: true })
  })

  const T2 = { serialNumber: 'T-2' }
  const WRONG: Readonly<Record<string, Partial<TestServerOptions>>> = {
    plan: { ...T2, facts: { plan: 'Basic' } },
    extensions: { ...T2, facts: { capacity: { extensions: 50, concurrentCalls: 125 } } },
    concurrent: { ...T2, facts: { capacity: { extensions: 500, concurrentCalls: 15 } } },
    'same firmware': { ...T2, facts: { firmwareVersion: '83.7.0.1' } },
    '84.0.0.1 or later': { ...T2, facts: { minimumFirmwareVersion: '84.0.0.1' } },
    'Internet Protocol': {
      ...T2,
      network: { family: 'ipv6', address: 'fd00::2', prefixLength: 64 },
    },
    'different serial numbers': { serialNumber: 'T-1' },
    static: { ...T2, network: { isStatic: false } },
    default: { ...T2, network: { isDefault: false } },
    VPN: { ...T2, network: { kind: 'vpn' } },
    subnet: { ...T2, network: { prefixLength: 30, address: '127.0.1.2' } },
    'expected serial number': { serialNumber: 'T-unexpected' },
  }
  for (const [word, options] of Object.entries(WRONG)) {
    it(`is refused, and changes nothing, when a requirement is not met: ${word}`, async () => {
      const secondary = await start(options)
      try {
        await joinWith(secondary)
        const [own, peer] = await Promise.all([secondary.client.status(), primary.client.status()])
        assert.equal(own.operation?.outcome, 'failed')
        assert.match(own.operation.reason ?? '', new RegExp(word, 'i'))
        assert.deepEqual([own.setUp, peer.setUp], ['waitingForPeer', 'waitingForPeer'])
      } finally {
        await stop(secondary)
      }
    })
  }

  it('refuses every wrong setting by field, value and remedy, and saves nothing', async () => {
    const before = (await primary.client.status()).settings
    for (const [pair, field] of [
      [{ virtualIp: { address: '127.0.0.1' } }, 'pair.virtualIp.address'],
      [{ virtualIp: { address: 'nonsense' } }, 'pair.virtualIp.address'],
      [{ virtualIp: { prefixLength: 99 } }, 'pair.virtualIp.prefixLength'],
      [{ keepAliveIntervalMs: 1 }, 'pair.keepAliveIntervalMs'],
      [{ deadTimeMs: 600 }, 'pair.deadTimeMs'],
      [{ referenceAddresses: ['127.0.0.10'] }, 'pair.referenceAddresses.0'],
      [{ coldStartAlone: 'perhaps' }, 'pair.coldStartAlone'],
      [{ contacts: [{ name: 'A', email: 'nobody', levels: ['alert'] }] }, 'pair.contacts.0.email'],
      [{ virtualIp: { gate: 'perhaps' } }, 'pair.virtualIp.gate'],
      // The driver of the tests has none.
      [{ virtualIp: { gate: true } }, 'pair.virtualIp.gate'],
      [{ surplus: 1 }, 'pair.surplus'],
    ] as const) {
      const error = await primary.client.saveSettings({ pair }).then(
        () => assert.fail(`${field} was accepted`),
        (thrown: unknown) => thrown as HotStandbyError,
      )
      assert.equal(error.code, 'HS_SETTINGS_INVALID')
      const problem = error.details.fields?.find((one) => one.field === field)
      assert.ok(problem, `${field} is not among ${JSON.stringify(error.details.fields)}`)
      assert.ok(problem.value !== '' && problem.message !== '' && problem.remedy !== '')
    }
    assert.deepEqual((await primary.client.status()).settings, before)
  })

  it('pairs, copies, follows, compares, and dissolves', async () => {
    const secondary = await start(T2)
    await runSql(cluster.url('server1'), "insert into extension values ('1', 'One')")
    usedCode = await joinWith(secondary)
    assert.equal((await secondary.client.status()).operation?.reason, null)
    await primary.client.wait({ for: 'active', timeoutMs: 20_000 })
    await secondary.client.wait({ for: 'in-sync', timeoutMs: 20_000 })
    await primary.client.wait({ for: 'in-sync', timeoutMs: 20_000 })
    const status = await secondary.client.status()
    assert.equal(status.server.role, 'standby')
    assert.equal(status.configLock.locked, true)
    await waitUntil('health', async () => (await primary.client.status()).health.word === 'healthy')
    assert.deepEqual((await primary.client.check({})).differences, [])

    await primary.client.disable({})
    await untilAlone(primary)
    await untilAlone(secondary)
    await stop(secondary)
  })

  it('refuses a wrong, a replaced and a used access code, and changes nothing', async () => {
    const stranger = await start(T2)
    await stranger.client.saveSettings({ server: { identity: 'secondary' } })
    const { accessCode: replaced } = await primary.client.makeAccessCode()
    const { accessCode: valid } = await primary.client.makeAccessCode()
    const state = () =>
      Promise.all(
        [primary, stranger].map(async ({ client }) => {
          const { setUp, settings, peer } = await client.status()
          return { setUp, settings, peer, rows: await extensions(`server${count}`) }
        }),
      )
    const before = await state()
    const mistyped = valid.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'))
    for (const [code, reason] of [
      [mistyped, /mistyped/],
      [replaced, /newer/],
      [usedCode, /used/],
    ] as const) {
      const refusal = await joinBy(stranger, code).then(
        async () => (await stranger.client.status()).operation?.reason ?? 'nothing was refused',
        (error: unknown) => (error as Error).message,
      )
      assert.match(refusal, reason)
      assert.ok(!refusal.includes(code))
      assert.deepEqual(await state(), before)
    }
    await stop(stranger)
  })

  const extensions = (name: string) =>
    runSql(cluster.url(name), 'select number, name from extension order by number')

  it('does not replace the data of the secondary without an answer, and changes nothing', async () => {
    const survivor = await start(T2)
    const name = `server${count}`
    await runSql(cluster.url(name), "insert into extension values ('2', 'Two'), ('3', 'Three')")
    const before = await extensions(name)
    await joinWith(survivor)
    const { operation, setUp } = await survivor.client.status()
    assert.equal(setUp, 'waitingForPeer')
    assert.equal((await primary.client.status()).setUp, 'waitingForPeer')
    assert.equal(operation?.error?.code, 'HS_CONFIRMATION_NEEDED')
    assert.match(
      operation.reason ?? '',
      /the secondary has 2 rows in 1 tables, the primary has 1 rows in 1 tables/,
    )
    assert.deepEqual(await extensions(name), before)
    await runSql(cluster.url(name), "update extension set name = 'Still mine' where number = '3'")

    const { accessCode } = await primary.client.makeAccessCode()
    const preview = await cli(
      survivor.configPath,
      ...['join', '--preview', '--peer', primary.address, '--access-code', accessCode],
    )
    assert.equal(preview.status, 0)
    assert.match(preview.text, /Say whose is kept: --keep-data-of primary, or --keep-data-of/)
    await stop(survivor)
  })

  it('begins with the data of a surviving secondary when told, and the primary follows it', async () => {
    const survivor = await start(T2)
    const name = `server${count}`
    await runSql(cluster.url(name), "insert into extension values ('2', 'Two'), ('3', 'Three')")
    const before = await extensions(name)
    await joinWith(survivor, 'secondary')
    assert.equal((await survivor.client.status()).operation?.reason, null)
    await survivor.client.wait({ for: 'active', timeoutMs: 20_000 })
    await primary.client.wait({ for: 'in-sync', timeoutMs: 20_000 })
    assert.deepEqual(await extensions(name), before)
    assert.deepEqual(await extensions('server1'), before)
    const { server } = await primary.client.status()
    assert.deepEqual([server.identity, server.role], ['primary', 'standby'])
    const { events } = await primary.client.events({ kind: 'paired', limit: 1 })
    assert.match(events[0]?.reason ?? '', /data of the secondary is kept, 1 rows of the other/)

    await primary.client.disable({})
    await untilAlone(primary)
    await untilAlone(survivor)
    await stop(survivor)
  })

  it('takes everything out of the database with `disable --purge`, once it is confirmed', async () => {
    const secondary = await start(T2)
    await joinWith(secondary)
    await secondary.client.wait({ for: 'in-sync', timeoutMs: 20_000 })
    const url = cluster.url(`server${count}`)
    const schemas = "select 1 from pg_namespace where nspname = 'hot_standby'"

    const asked = await cli(secondary.configPath, 'disable', '--purge')
    assert.equal(asked.status, 1)
    assert.match(asked.text, /triggers on 1 tables would be removed \(HS_CONFIRMATION_NEEDED\)/)
    assert.equal((await secondary.client.status()).setUp, 'paired')
    await assert.rejects(runSql(url, "insert into extension values ('9', 'refused')"), {
      code: 'HS423',
    })

    const done = await cli(secondary.configPath, 'disable', '--purge', '--yes')
    assert.equal(done.status, 0, done.text)
    assert.match(done.text, /Removed from the database.*\nThe agent still runs/s)
    await untilAlone(primary)
    assert.deepEqual(await runSql(url, schemas), [])
    await runSql(url, "insert into extension values ('9', 'free again')")
    assert.equal((await runSql(url, 'select * from extension')).length, 3, 'the data has stayed')
    await stop(secondary)
  })
})

async function untilAlone({ client }: Running): Promise<void> {
  await waitUntil('the end of the pair', async () => (await client.status()).setUp !== 'paired')
  assert.equal((await client.status()).configLock.locked, false)
}

/** The command line with its own connection to the agent, as an administrator would run it. */
async function cli(
  configPath: string,
  ...argv: readonly string[]
): Promise<{ readonly status: number; readonly text: string }> {
  const lines: string[] = []
  const out = (line: string): void => void lines.push(line)
  const status = await runCli(['--config', configPath, ...argv], {
    out,
    err: out,
    clear: () => undefined,
  })
  return { status, text: lines.join('\n') }
}
