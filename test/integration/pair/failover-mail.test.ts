import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  freePort,
  type PostgresCluster,
  startPostgresCluster,
} from '../../../examples/demo/postgres-cluster.ts'
import { createAgentClient, type AgentClient } from '../../../plugin/api/agent-client.ts'
import { migrateDatabase } from '../../../plugin/replication/migrate-database.ts'
import { makeTestServer } from '../../support/agent-config.ts'
import { runSql } from '../../support/run-sql.ts'
import { type SmtpSink, startSmtpSink } from '../../support/smtp-sink.ts'
import { waitUntil } from '../../support/wait-until.ts'

const MAIN = join(import.meta.dirname, '../../../plugin/cli/main.ts')
const VIRTUAL_IP = { address: '127.0.0.11', prefixLength: 8 }
const ANNA = {
  name: 'Anna',
  email: 'anna@example.test',
  levels: ['information', 'warning', 'alert'],
}

interface Server {
  readonly name: string
  readonly address: string
  readonly configPath: string
  readonly client: AgentClient
  process: ChildProcess | null
}

/** Two agents in processes of their own on real databases, and one SMTP server that is down when it matters. */
describe('a failover while the mail server is down', function () {
  this.timeout(120_000)
  let folder: string
  let cluster: PostgresCluster
  let smtpPort: number
  let sink: SmtpSink | null = null
  const servers: Server[] = []

  const prepare = async (name: string, address: string, virtualIpPort: number): Promise<Server> => {
    await runSql(cluster.url(), `create database ${name}`)
    await runSql(cluster.url(name), 'create table extension (number text primary key, name text)')
    const made = await makeTestServer({
      folder,
      name,
      address,
      databaseUrl: cluster.url(name),
      serialNumber: `SN-${name}`,
      virtualIpPort,
    })
    await migrateDatabase(made.config.database)
    const config = JSON.parse(await readFile(made.configPath, 'utf8')) as object
    const smtp = { host: '127.0.0.1', port: smtpPort, from: 'pbx@example.test' }
    await writeFile(made.configPath, JSON.stringify({ ...config, smtp, logLevel: 'warn' }))
    const { listen, socketPath } = made.config
    const server: Server = {
      name,
      address: `${listen.address}:${listen.port}`,
      configPath: made.configPath,
      client: createAgentClient(socketPath),
      process: null,
    }
    servers.push(server)
    return server
  }
  const start = async (server: Server): Promise<void> => {
    const args = ['--import=tsx', MAIN, 'agent', '--config', server.configPath]
    server.process = spawn(process.execPath, args, { stdio: 'ignore' })
    await waitUntil(
      `${server.name} answers`,
      () =>
        server.client.status().then(
          () => true,
          () => false,
        ),
      30_000,
    )
  }
  const end = async (server: Server, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const running = server.process
    server.process = null
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill(signal)
    await ended
  }
  const kinds = async ({ client }: Server) => {
    const { deliveries } = await client.notifications()
    return deliveries.map(({ kind, state }) => `${kind} ${state}`)
  }
  const roleOf = async ({ client }: Server) => (await client.status()).server.role

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hot-standby-mail-'))
    cluster = await startPostgresCluster({ durable: false })
    smtpPort = await freePort()
  })
  after(async () => {
    for (const server of servers) await end(server, 'SIGTERM')
    await sink?.close()
    await cluster.destroy()
    await rm(folder, { recursive: true, force: true })
  })

  it('loses no mail, and sends each once, also when the failed server comes back', async () => {
    const virtualIpPort = await freePort(VIRTUAL_IP.address)
    const primary = await prepare('mailone', '127.0.0.1', virtualIpPort)
    const secondary = await prepare('mailtwo', '127.0.0.2', virtualIpPort)
    await Promise.all([start(primary), start(secondary)])
    await primary.client.saveSettings({
      server: { identity: 'primary' },
      pair: {
        virtualIp: VIRTUAL_IP,
        referenceAddresses: ['127.0.0.254'],
        keepAliveIntervalMs: 200,
        deadTimeMs: 4000,
        contacts: [ANNA],
        notifications: {
          kinds: { settingsChanged: 'off', peerBack: 'off' },
          behindAfterSeconds: 90,
        },
      },
    })
    await secondary.client.saveSettings({ server: { identity: 'secondary' } })
    const { accessCode } = await primary.client.makeAccessCode()
    await secondary.client.join({ peer: primary.address, accessCode })
    await waitUntil(
      'in sync',
      async () => (await secondary.client.status()).replication.inSync,
      40_000,
    )
    // What the active had to say lies on the standby as well, and the other way round.
    await waitUntil(
      'the outboxes are alike',
      async () => {
        const [own, other] = await Promise.all([kinds(primary), kinds(secondary)])
        const wanted = ['paired waiting', 'resynchronisationDone waiting']
        return wanted.every((each) => own.includes(each) && other.includes(each))
      },
      20_000,
    )
    const waiting = (await kinds(primary)).length

    await end(primary, 'SIGKILL')
    await waitUntil(
      'the secondary is active',
      async () => (await roleOf(secondary)) === 'active',
      30_000,
    )
    await waitUntil('it is told of', async () => {
      const queued = await kinds(secondary)
      return queued.includes('failoverStarted waiting') && queued.includes('failoverDone waiting')
    })
    const { events } = await secondary.client.events({ kind: 'failoverStarted' })
    assert.equal(events.length, 1)
    const { pair } = (await secondary.client.status()).settings
    assert.deepEqual(pair?.notifications?.kinds, { settingsChanged: 'off', peerBack: 'off' })
    assert.equal(pair?.notifications?.behindAfterSeconds, 90)

    sink = await startSmtpSink({ port: smtpPort })
    await secondary.client.notifyTest({ email: 'test@example.test' })
    await waitUntil('everything is delivered', async () =>
      (await kinds(secondary)).every((each) => each.endsWith(' delivered')),
    )
    const told = mailsTo(ANNA.email)
    assert.ok(told.length >= waiting + 2, `${told.length} mails`)
    for (const subject of ['The servers were paired', 'Failover started', 'Failover done'])
      assert.equal(told.filter((mail) => mail.includes(subject)).length, 1, subject)
    const done = told.find((mail) => mail.includes('Failover done'))
    for (const part of ['Alert', 'phones register anew', 'Repair the other server', 'SN-mailtwo'])
      assert.ok(done?.includes(part), part)

    await start(primary)
    await waitUntil('it is standby', async () => (await roleOf(primary)) === 'standby', 30_000)
    await waitUntil(
      'it has nothing to say',
      async () => {
        const states = await kinds(primary)
        return states.length > 0 && states.every((each) => !each.endsWith(' waiting'))
      },
      20_000,
    )
    const ids = mailsTo(ANNA.email).map((mail) => /^Message-ID: (.*)\r$/im.exec(mail)?.[1])
    assert.equal(new Set(ids).size, ids.length, 'no mail came twice')
    const metrics = await secondary.client.metrics()
    assert.match(metrics.text, /^hot_standby_role\{role="active"\} 1$/m)
    assert.match(metrics.text, /^hot_standby_messages\{channel="mail",state="waiting"\} 0$/m)
  })

  function mailsTo(address: string): readonly string[] {
    const mails = (sink?.mails ?? []).filter(({ to }) => to.includes(address))
    return mails.map(({ raw }) => raw.replaceAll('=\r\n', ''))
  }
})
