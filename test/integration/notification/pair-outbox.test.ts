import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../../examples/demo/postgres-cluster.ts'
import type { OutboxShare } from '../../../plugin/api/outbox-message.ts'
import type { Contact } from '../../../plugin/core/settings.ts'
import { createHistory, type FileHistory } from '../../../plugin/notification/history.ts'
import { createNotifier, type Notifier } from '../../../plugin/notification/notifier.ts'
import { eventually, temporaryFolder } from '../../support/channel.ts'
import { type SmtpSink, startSmtpSink } from '../../support/smtp-sink.ts'

const CONTACTS: readonly Contact[] = [
  { name: 'Anna', email: 'anna@example.test', levels: ['information', 'warning', 'alert'] },
]
type Turn = 'all' | 'own' | 'none'

/** Two servers that share their outboxes, as far as they reach each other, and one mail server. */
describe('the outboxes of a pair', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let sink: SmtpSink | null
  let port: number
  let linkIsUp: boolean
  let a: Server
  let b: Server

  interface Server {
    readonly id: string
    turn: Turn
    history: FileHistory
    /** Null while it is off. */
    notifier: Notifier | null
  }

  const other = (server: Server): Server => (server.id === a.id ? b : a)
  const open = async (server: Server): Promise<void> => {
    const stateDirectory = join(folder.path, server.id)
    server.history = await createHistory({
      stateDirectory,
      server: () => ({ serverId: server.id, hostName: server.id }),
    })
    server.notifier = await createNotifier({
      stateDirectory,
      history: server.history,
      ownId: server.id,
      smtp: {
        host: '127.0.0.1',
        port,
        secure: false,
        requireTls: false,
        verifyCertificate: true,
        from: 'pbx@example.test',
      },
      contacts: () => CONTACTS,
      server: () => ({ productName: 'Example', hostName: server.id, serialNumber: server.id }),
      shouldSend: () => true,
      turn: () => server.turn,
      peer: () => ({
        share: async (input: OutboxShare) => {
          const { notifier } = other(server)
          if (!linkIsUp || notifier === null) throw new Error('the peer does not answer')
          // As over the wire.
          return notifier.share(JSON.parse(JSON.stringify(input)) as OutboxShare)
        },
      }),
      shareEveryMs: 20,
      patienceMs: 300,
      retryDelaysMs: [30],
    })
  }
  const close = async (server: Server): Promise<void> => {
    await server.notifier?.close()
    server.notifier = null
    await server.history.close()
  }
  const states = (server: Server) => server.notifier?.deliveries().map(({ state }) => state) ?? []
  const subjects = () =>
    (sink?.mails ?? []).map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)?.[1] ?? '').sort()

  beforeEach(async () => {
    folder = await temporaryFolder()
    port = await freePort()
    sink = null
    linkIsUp = true
    const off = { history: null as unknown as FileHistory, notifier: null }
    a = { id: 'pbx-a', turn: 'all', ...off }
    b = { id: 'pbx-b', turn: 'none', ...off }
    for (const server of [a, b]) {
      await mkdir(join(folder.path, server.id))
      await open(server)
    }
  })
  afterEach(async () => {
    await close(a)
    await close(b)
    await sink?.close()
    await folder.remove()
  })

  it('lose no mail in a failover while the mail server is down, and send each once', async () => {
    a.history.record({ kind: 'databaseLost', reason: 'before it died' })
    await eventually('the standby has it', () => states(b).length === 1)
    await close(a)
    b.history.record({ kind: 'failoverStarted', reason: '' })
    b.turn = 'all'
    b.history.record({ kind: 'failoverDone', reason: '' })
    await eventually('tried in vain', () =>
      (b.notifier?.deliveries() ?? []).some(({ attempts }) => attempts > 1),
    )
    sink = await startSmtpSink({ port })
    await eventually('all delivered', () => states(b).every((state) => state === 'delivered'))
    assert.deepEqual(subjects(), [
      '[pbx-a] Alert: The database does not answer',
      '[pbx-b] Alert: Failover done',
      '[pbx-b] Alert: Failover started',
    ])
    a.turn = 'none'
    await open(a)
    await eventually('the one that comes back knows', () => states(a)[0] === 'byPeer')
    a.turn = 'all'
    b.turn = 'none'
    await eventually('the whole story is known on both', () =>
      [...states(a), ...states(b)].every((state) => state !== 'waiting'),
    )
    assert.equal(sink.mails.length, 3)
  })

  it('let the active one send what the standby has to say', async () => {
    sink = await startSmtpSink({ port })
    b.history.record({ kind: 'synchronisationFailed', reason: '' })
    await eventually(
      'settled on both',
      () => states(a)[0] === 'delivered' && states(b)[0] === 'byPeer',
    )
    assert.deepEqual(subjects(), ['[pbx-b] Alert: Synchronisation failed'])
  })

  it('give away what a dead server had not told, as soon as it is back', async () => {
    linkIsUp = false
    a.history.record({ kind: 'databaseLost', reason: 'nobody heard it' })
    await a.history.told()
    await close(a)
    b.turn = 'all'
    a.turn = 'none'
    sink = await startSmtpSink({ port })
    linkIsUp = true
    await open(a)
    await eventually(
      'settled on both',
      () => states(b)[0] === 'delivered' && states(a)[0] === 'byPeer',
    )
    assert.equal(sink.mails.length, 1)
  })

  it('let a standby speak for itself after a while when it reaches nobody', async () => {
    sink = await startSmtpSink({ port })
    linkIsUp = false
    b.history.record({ kind: 'takeOverRefused', reason: '' })
    await eventually('delivered', () => states(b)[0] === 'delivered')
    linkIsUp = true
    a.history.record({ kind: 'peerBack', reason: '' })
    await eventually('the other mail', () => sink?.mails.length === 2)
    assert.deepEqual(states(b).filter((state) => state === 'delivered').length, 1)
  })

  it('do not send twice when the standby has a mail and is cut off', async () => {
    b.history.record({ kind: 'synchronisationFailed', reason: '' })
    await eventually('the active has it', () => states(a).length === 1)
    linkIsUp = false
    sink = await startSmtpSink({ port })
    await eventually('the active sent it', () => states(a)[0] === 'delivered')
    const waitedSince = performance.now()
    await eventually('longer than its patience', () => performance.now() - waitedSince > 500)
    assert.deepEqual([sink.mails.length, states(b)[0]], [1, 'waiting'])
    linkIsUp = true
    await eventually('it hears of it', () => states(b)[0] === 'byPeer')
    assert.equal(sink.mails.length, 1)
  })

  it('take nothing damaged from each other', async () => {
    const bad = [{ id: 'x' }, { id: 'y', channel: 'pigeon' }, null] as never
    const answer = await a.notifier!.share({ waiting: bad, settled: ['unknown'] })
    assert.deepEqual(answer, { waiting: [], settled: [] })
    assert.deepEqual(a.notifier!.deliveries(), [])
  })
})
