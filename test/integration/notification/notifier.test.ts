import assert from 'node:assert/strict'
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Contact } from '../../../plugin/core/settings.ts'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { createHistory, type FileHistory } from '../../../plugin/notification/history.ts'
import type { SmtpConfig } from '../../../plugin/notification/mailer.ts'
import {
  createNotifier,
  type Notifier,
  type NotifierOptions,
} from '../../../plugin/notification/notifier.ts'
import { makeIdentity } from '../../../plugin/channel/tls-identity.ts'
import { freePort } from '../../../examples/demo/postgres-cluster.ts'
import { eventually, recordingLogger, temporaryFolder } from '../../support/channel.ts'
import { type SmtpSink, startSmtpSink } from '../../support/smtp-sink.ts'

const ANNA: Contact = { name: 'Anna', email: 'anna@example.test', levels: ['alert', 'warning'] }
const BERT: Contact = { name: 'Bert', email: 'bert@example.test', levels: ['alert'] }
const SECRET = 'correct horse battery'

describe('notifier', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let sink: SmtpSink | null
  let history: FileHistory
  let notifier: Notifier
  let contacts: readonly Contact[]
  let port: number
  const logger = recordingLogger()

  const smtp = (more: Partial<SmtpConfig> = {}): SmtpConfig => ({
    host: '127.0.0.1',
    port,
    secure: false,
    requireTls: false,
    verifyCertificate: true,
    from: 'pbx@example.test',
    ...more,
  })
  const open = async (more: Partial<NotifierOptions> = {}): Promise<void> => {
    history = await createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-a', hostName: 'pbx-a' }),
      logger,
    })
    notifier = await createNotifier({
      stateDirectory: folder.path,
      history,
      ownId: 'server-a',
      smtp: smtp(),
      contacts: () => contacts,
      server: () => ({ productName: 'Example', hostName: 'pbx-a', serialNumber: 'SN1' }),
      shouldSend: () => true,
      retryDelaysMs: [50],
      logger,
      ...more,
    })
  }
  const close = async (): Promise<void> => {
    await notifier.close()
    await history.close()
  }
  const states = () => notifier.deliveries().map(({ to, state }) => `${to} ${state}`)
  const recipients = () => (sink?.mails ?? []).map(({ to }) => to.join())
  const done = () =>
    eventually('all is delivered', () =>
      notifier.deliveries().every(({ state }) => state === 'delivered'),
    )
  const failures = async () => (await history.list({ kind: 'notificationFailed' })).length

  beforeEach(async () => {
    logger.lines.length = 0
    contacts = [ANNA, BERT]
    folder = await temporaryFolder()
    sink = await startSmtpSink()
    port = sink.port
  })
  afterEach(async () => {
    await close()
    await sink?.close()
    await folder.remove()
  })

  it('mails an event to the contacts of its level, one mail each', async () => {
    await open()
    history.record({ kind: 'steppedDown', reason: 'the gateway is gone' })
    history.record({ kind: 'unpaired', reason: 'a warning' })
    history.record({ kind: 'peerBack', reason: 'information, for nobody' })
    history.record({ kind: 'agentStarted', reason: 'not for mail' })
    await eventually('three mails', () => sink?.mails.length === 3)
    await done()
    assert.deepEqual(recipients().sort(), [ANNA.email, ANNA.email, BERT.email])
    const first = sink?.mails[0]
    assert.equal(first?.from, 'pbx@example.test')
    assert.match(first.raw, /^Subject: \[pbx-a\] Alert: This server stepped down\r$/m)
    assert.match(first.raw, /^Auto-Submitted: auto-generated\r$/m)
    assert.match(first.raw, /the gateway is gone/)
    assert.match(first.raw, /text\/plain[^]*text\/html/)
  })

  it('leaves an event to the other server when it is not for this one to send', async () => {
    await open({ shouldSend: (entry) => entry.kind === 'peerLost' })
    history.record({ kind: 'steppedDown', reason: '' })
    history.record({ kind: 'peerLost', reason: '' })
    await eventually('two mails', () => sink?.mails.length === 2)
    assert.equal(notifier.deliveries().length, 2)
  })

  it('sends what it could not send as soon as the mail server is back, and says once that it failed', async () => {
    await sink?.close()
    sink = null
    port = await freePort()
    await open()
    history.record({ kind: 'peerLost', reason: 'one' })
    history.record({ kind: 'failoverDone', reason: 'two' })
    await eventually('tried more than once', () =>
      notifier.deliveries().some(({ attempts }) => attempts > 3),
    )
    assert.equal(await failures(), 1)
    assert.match(notifier.deliveries().at(-1)?.lastError ?? '', /ECONNREFUSED/)
    sink = await startSmtpSink({ port })
    await done()
    assert.equal(sink.mails.length, 4)
    assert.equal(await failures(), 1)
  })

  it('sends after a restart what it had not sent, and nothing twice', async () => {
    await open()
    history.record({ kind: 'peerLost', reason: 'sent before' })
    await eventually('two mails', () => sink?.mails.length === 2)
    await done()
    await sink?.close()
    history.record({ kind: 'failoverDone', reason: 'not sent before' })
    await eventually('failed once', () =>
      notifier.deliveries().some(({ attempts }) => attempts > 0),
    )
    await close()
    sink = await startSmtpSink({ port })
    await open()
    await done()
    assert.equal(sink.mails.length, 2)
    assert.ok(sink.mails.every(({ raw }) => raw.includes('not sent before')))
    assert.equal(notifier.deliveries().length, 4)
    assert.equal(await failures(), 1)
  })

  it('mails what was recorded just before a crash and had not reached the outbox', async () => {
    await open()
    await close()
    history = await createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-a', hostName: 'pbx-a' }),
    })
    history.record({ kind: 'peerLost', reason: 'the last word' })
    await history.close()
    await open()
    await done()
    assert.equal(sink?.mails.length, 2)
    await close()
    await open()
    await done()
    assert.equal(sink.mails.length, 2)
  })

  it('does not mail the past when it starts for the first time', async () => {
    history = await createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-a', hostName: 'pbx-a' }),
    })
    history.record({ kind: 'peerLost', reason: 'long ago' })
    await history.close()
    await open()
    assert.deepEqual(notifier.deliveries(), [])
  })

  it('reaches the others when the mail server refuses one recipient', async () => {
    await sink?.close()
    sink = await startSmtpSink({
      port,
      onRcptTo: ({ address }, _session, callback) => {
        callback(address === ANNA.email ? new Error('no such mailbox') : null)
      },
    })
    await open()
    history.record({ kind: 'peerLost', reason: '' })
    history.record({ kind: 'failoverDone', reason: '' })
    await eventually('Bert has both', () => sink?.mails.length === 2)
    await eventually('Anna is tried again', () =>
      notifier.deliveries().some(({ to, attempts }) => to === ANNA.email && attempts > 2),
    )
    assert.deepEqual(recipients(), [BERT.email, BERT.email])
    assert.equal(await failures(), 1)
    const [failure] = await history.list({ kind: 'notificationFailed' })
    assert.match(failure?.reason ?? '', /anna@example\.test: .*no such mailbox/)
  })

  it('gives up after days', async () => {
    await sink?.close()
    sink = null
    let now = Date.now()
    await open({ giveUpMs: 86_400_000, now: () => now })
    contacts = [ANNA]
    history.record({ kind: 'peerLost', reason: '' })
    await eventually('tried', () => notifier.deliveries()[0]?.attempts === 2)
    now += 86_400_000
    await eventually('given up', () => notifier.deliveries()[0]?.state === 'failed')
    await close()
    await open()
    assert.deepEqual(states(), [`${ANNA.email} failed`])
  })

  it('skips damaged lines of the outbox and keeps the others', async () => {
    await sink?.close()
    sink = null
    await open()
    history.record({ kind: 'peerLost', reason: 'kept' })
    await eventually('queued', () => notifier.deliveries().length === 2)
    await close()
    await appendFile(
      join(folder.path, 'outbox.jsonl'),
      'rubbish\n{"type":"queued"}\n{"type":"seen","ev',
    )
    sink = await startSmtpSink({ port })
    await open()
    await done()
    assert.equal(sink.mails.length, 2)
    assert.ok(logger.lines.some(({ text }) => text.includes('"lines":3')))
  })

  it('says so when no mail server is configured', async () => {
    await open({ smtp: undefined })
    history.record({ kind: 'peerLost', reason: '' })
    await eventually('recorded', () => history.lastId() === 2)
    const [failure] = await history.list({ limit: 1 })
    assert.match(failure?.reason ?? '', /no SMTP server is configured/)
    await assert.rejects(notifier.sendTest(), { code: 'HS_NOTIFICATION_FAILED' })
  })

  it('sends test mails to all contacts or one address, and names who was not reached', async () => {
    await open()
    assert.deepEqual(await notifier.sendTest(), [ANNA.email, BERT.email])
    assert.deepEqual(await notifier.sendTest({ email: 'carl@example.test' }), ['carl@example.test'])
    assert.equal(sink?.mails.length, 3)
    const evil = 'x@example.test\r\nBcc: thief@example.test'
    await assert.rejects(notifier.sendTest({ email: evil }), (error: HotStandbyError) => {
      assert.equal(error.code, 'HS_NOTIFICATION_FAILED')
      assert.doesNotMatch(error.message, /[\r\n]/)
      return true
    })
    contacts = []
    await assert.rejects(notifier.sendTest(), { message: /there are no contacts/ })
    assert.equal(sink.mails.length, 3)
  })

  it('lets nobody inject a header through names, reasons or addresses', async () => {
    const evil = 'x\r\nBcc: thief@example.test\r\n\r\nbody'
    contacts = [
      ANNA,
      { name: evil, email: 'a@example.test>, thief@example.test', levels: ['alert'] },
      { name: evil, email: 'b@example.test\r\nBcc: thief@example.test', levels: ['alert'] },
    ]
    await open({ server: () => ({ productName: evil, hostName: evil, serialNumber: evil }) })
    history.record({ kind: 'peerLost', reason: evil })
    await eventually(
      'the others were refused',
      () => notifier.deliveries().filter(({ attempts }) => attempts > 1).length >= 2,
    )
    assert.deepEqual(recipients(), [ANNA.email])
    const headers = sink?.mails[0]?.raw.split('\r\n\r\n')[0] ?? ''
    assert.doesNotMatch(headers, /^Bcc/im)
  })

  it('logs in with the password of the file, over TLS, and never shows it', async () => {
    await sink?.close()
    const identity = await makeIdentity()
    let accept = false
    sink = await startSmtpSink({
      port,
      key: identity.keyPem,
      cert: identity.certificatePem,
      authOptional: false,
      onAuth: (auth, _session, callback) => {
        const given = `${String(auth.username)} ${String(auth.password)}`
        if (accept && given === `pbx ${SECRET}`) callback(null, { user: 'pbx' })
        else callback(new Error(`no: ${String(auth.password)}`))
      },
    })
    const passwordFile = join(folder.path, 'smtp-password')
    const caFile = join(folder.path, 'ca.pem')
    await writeFile(passwordFile, `${SECRET}\n`)
    await writeFile(caFile, identity.certificatePem)
    contacts = [ANNA]
    await open({
      smtp: smtp({ user: 'pbx', passwordFile, requireTls: true, verifyCertificate: false, caFile }),
    })
    history.record({ kind: 'peerLost', reason: '' })
    await eventually('refused', () => (notifier.deliveries()[0]?.attempts ?? 0) > 0)
    assert.match(notifier.deliveries()[0]?.lastError ?? '', /no: \(not shown\)/)
    accept = true
    await done()
    assert.equal(sink.mails[0]?.user, 'pbx')
    assert.equal(sink.mails[0].secure, true)
    await history.flush()
    const files = (await readdir(folder.path)).filter((name) => name.endsWith('.jsonl'))
    const texts = await Promise.all(files.map((name) => readFile(join(folder.path, name), 'utf8')))
    const said = JSON.stringify([texts, logger.lines, notifier.deliveries()])
    assert.ok(!said.includes(SECRET))
    assert.ok(!said.includes(Buffer.from(SECRET).toString('base64')))
  })

  it('does not send in the clear when TLS is required, nor to a certificate that it cannot verify', async () => {
    await open({ smtp: smtp({ requireTls: true }) })
    await assert.rejects(notifier.sendTest({ email: ANNA.email }), {
      code: 'HS_NOTIFICATION_FAILED',
    })
    await close()
    await sink?.close()
    const identity = await makeIdentity()
    sink = await startSmtpSink({ port, key: identity.keyPem, cert: identity.certificatePem })
    await open()
    await assert.rejects(notifier.sendTest({ email: ANNA.email }), /self-signed certificate/)
    assert.equal(sink.mails.length, 0)
  })

  it('names a password file that cannot be read', async () => {
    await open({ smtp: smtp({ user: 'pbx', passwordFile: join(folder.path, 'none') }) })
    await assert.rejects(
      notifier.sendTest({ email: ANNA.email }),
      /passwordFile .*none cannot be read \(ENOENT\)/,
    )
  })
})
