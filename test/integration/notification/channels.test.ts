import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { createHistory, type FileHistory } from '../../../plugin/notification/history.ts'
import {
  createNotifier,
  type Notifier,
  type NotifierOptions,
} from '../../../plugin/notification/notifier.ts'
import { eventually, recordingLogger, temporaryFolder } from '../../support/channel.ts'

const SECRET = 'a secret of the webhook'
const LEVELS: ('information' | 'warning' | 'alert')[] = ['information', 'warning', 'alert']

describe('channels besides mail', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let history: FileHistory
  let notifier: Notifier | null = null
  let close: (() => unknown)[]
  const logger = recordingLogger()

  const open = async (more: Partial<NotifierOptions>): Promise<Notifier> => {
    notifier = await createNotifier({
      stateDirectory: folder.path,
      history,
      ownId: 'server-a',
      smtp: undefined,
      contacts: () => [],
      server: () => ({ productName: 'Example', hostName: 'pbx-a', serialNumber: 'SN"]1' }),
      shouldSend: () => true,
      retryDelaysMs: [30],
      logger,
      ...more,
    })
    return notifier
  }
  const states = () => notifier?.deliveries().map(({ state }) => state) ?? []
  beforeEach(async () => {
    logger.lines.length = 0
    close = []
    folder = await temporaryFolder()
    history = await createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-a', hostName: 'pbx-a' }),
      logger,
    })
  })
  afterEach(async () => {
    await notifier?.close()
    await history.close()
    for (const end of close.reverse()) await end()
    await folder.remove()
  })

  describe('the webhook', () => {
    interface Call {
      readonly headers: IncomingHttpHeaders
      readonly body: string
      readonly method: string
    }
    let calls: Call[]
    let answer: (call: Call) => number | null
    let url: string

    const webhook = async (more: object = {}) => {
      const secretFile = join(folder.path, 'webhook-secret')
      await writeFile(secretFile, `${SECRET}\n`)
      return { url, secretFile, timeoutMs: 2000, levels: LEVELS, ...more }
    }
    beforeEach(async () => {
      calls = []
      answer = () => 204
      const server: Server = createServer((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          const { headers, method = '' } = request
          const call = { headers, method, body: Buffer.concat(chunks).toString('utf8') }
          const status = answer(call)
          if (status === null) return
          calls.push(call)
          response.writeHead(status, { location: '/elsewhere' }).end('x'.repeat(100_000))
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=hidden-in-query`
      close.push(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })
    })

    it('gets each event once, signed together with the time', async () => {
      await open({ webhook: await webhook() })
      history.record({ kind: 'failoverDone', reason: 'no heartbeat — ünï' })
      await eventually('called', () => states()[0] === 'delivered')
      const [call] = calls
      const { headers, body, method } = call ?? assert.fail('no call')
      const timestamp = headers['x-hot-standby-timestamp'] as string
      assert.equal(method, 'POST')
      assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60)
      // As docs/guide/notifications.md says how to check it.
      const expected = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')
      assert.equal(headers['x-hot-standby-signature'], `sha256=${expected}`)
      assert.match(headers['x-hot-standby-signature'], /^sha256=[0-9a-f]{64}$/)
      const document = JSON.parse(body) as { event: Record<string, unknown>; server: object }
      assert.equal(document.event['kind'], 'failoverDone')
      assert.equal(document.event['reason'], 'no heartbeat — ünï')
      assert.deepEqual(document.server, {
        productName: 'Example',
        hostName: 'pbx-a',
        serialNumber: 'SN"]1',
      })
      assert.equal(calls.length, 1)
    })

    it('is called again after a failure with the same id, and does not hold up the others', async () => {
      const refusedIds = new Set<unknown>()
      answer = ({ body, headers }) => {
        if (!body.includes('peerLost')) return 200
        refusedIds.add(headers['x-hot-standby-id'])
        return calls.length < 5 ? 422 : 200
      }
      await open({ webhook: await webhook() })
      history.record({ kind: 'peerLost', reason: '' })
      history.record({ kind: 'failoverDone', reason: '' })
      await eventually('both', () => states().join() === 'delivered,delivered')
      assert.ok(calls.length > 5)
      assert.equal(refusedIds.size, 1)
      const recorded = async (kind: string) => (await history.list({ kind })).length === 1
      await eventually('said to be well again', () => recorded('notificationRecovered'))
      assert.ok(await recorded('notificationFailed'))
      assert.ok(calls.every(({ body }) => !body.includes('notificationFailed')))
    })

    it('follows no redirect, and does not wait for ever', async () => {
      answer = () => 302
      const opened = await open({ webhook: await webhook({ timeoutMs: 300 }) })
      await assert.rejects(opened.sendTest({ channel: 'webhook' }), /a redirect \(302\)/)
      assert.equal(calls.length, 1)
      answer = () => null
      await assert.rejects(opened.sendTest({ channel: 'webhook' }), /no answer within 300 ms/)
      answer = () => 200
      assert.match((await opened.sendTest({ channel: 'webhook' }))[0] ?? '', /\/hook$/)
      await assert.rejects(opened.sendTest({ channel: 'syslog' }), /no syslog is configured/)
    })

    it('hears only of its levels', async () => {
      await open({ webhook: await webhook({ levels: ['alert'] }) })
      history.record({ kind: 'peerBack', reason: '' })
      history.record({ kind: 'failoverDone', reason: '' })
      await eventually('one', () => states()[0] === 'delivered')
      assert.equal(states().length, 1)
    })

    it('keeps its secret out of files, logs and errors, and says when it cannot be read', async () => {
      answer = () => 500
      const opened = await open({ webhook: await webhook() })
      history.record({ kind: 'failoverDone', reason: '' })
      await eventually('failed', () => calls.length > 1)
      const message = await opened.sendTest().then(
        () => assert.fail('it cannot work'),
        (thrown: unknown) => {
          const { message: text, details } = thrown as HotStandbyError
          return JSON.stringify([text, details])
        },
      )
      await history.flush()
      const names = (await readdir(folder.path)).filter((name) => name.endsWith('.jsonl'))
      const texts = await Promise.all(
        names.map((name) => readFile(join(folder.path, name), 'utf8')),
      )
      const said = JSON.stringify([texts, logger.lines, opened.deliveries(), message])
      assert.ok(said.includes('status 500'))
      for (const secret of [SECRET, 'hidden-in-query']) assert.ok(!said.includes(secret), secret)
      await writeFile(join(folder.path, 'webhook-secret'), '\n')
      await assert.rejects(opened.sendTest(), /secretFile .* is empty/)
    })
  })

  describe('syslog', () => {
    const FORM =
      /^<(\d+)>1 (\S+) (\S+) hot-standby (\d+) (\S+) \[hotStandby@32473 ((?:\w+="(?:[^"\\\]]|\\.)*" ?)+)\] \uFEFF(.*)$/u
    const syslog = (more: object) => ({
      transport: 'udp' as const,
      host: '127.0.0.1',
      port: 1,
      facility: 'local3' as const,
      levels: LEVELS,
      ...more,
    })
    const evil = 'x"] end\n<0>1 - evil - - - forged\u0000 \\" ü'

    it('gets every event of this server as RFC 5424 over UDP, whatever it says', async () => {
      const lines: string[] = []
      const socket = createSocket('udp4').on('message', (data) => lines.push(data.toString('utf8')))
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      close.push(() => socket.close())
      await open({ syslog: syslog({ port: socket.address().port }), shouldSend: () => false })
      history.record({ kind: 'agentStarted', reason: evil, actor: evil })
      history.record({ kind: 'peerLost', reason: 'ü'.repeat(4000) })
      await eventually('both', () => lines.length === 2)
      const [first = '', second = ''] = lines
      const [, priority, , host, , kind, data = '', text = ''] = FORM.exec(first) ?? []
      assert.deepEqual([priority, host, kind], [String(19 * 8 + 6), 'pbx-a', 'agentStarted'], first)
      assert.match(data, /serial="SN\\"\\\]1"/)
      assert.doesNotMatch(first, /\n/)
      assert.match(text, /^The agent started: x"\] end <0>1 - evil - - - forged /)
      assert.match(second, new RegExp(`^<${19 * 8 + 1}>1 `))
      assert.ok(Buffer.byteLength(second) <= 2048 && !second.includes('\uFFFD'))
    })

    for (const transport of ['tcp', 'unix'] as const)
      it(`counts the octets over ${transport}, and sends what it could not once the receiver is there`, async () => {
        const path = join(folder.path, 'log.sock')
        const probe = createTcpServer().listen(0, '127.0.0.1')
        await once(probe, 'listening')
        const { port } = probe.address() as AddressInfo
        await new Promise((resolve) => probe.close(resolve))
        await open({
          syslog: syslog({ transport, ...(transport === 'unix' ? { path } : { port }) }),
        })
        history.record({ kind: 'peerLost', reason: evil })
        await eventually('tried', () => (notifier?.deliveries()[0]?.attempts ?? 0) > 1)
        let received = ''
        const receiver = createTcpServer((connection) =>
          connection.on('data', (data) => (received += data.toString('utf8'))),
        )
        if (transport === 'unix') receiver.listen(path)
        else receiver.listen(port, '127.0.0.1')
        close.push(() => new Promise((resolve) => receiver.close(resolve)))
        await eventually('delivered', () => states().every((state) => state === 'delivered'))
        const [, octets = '', line = ''] = /^(\d+) ([^]*)$/.exec(received) ?? []
        const bytes = Buffer.from(line).subarray(0, Number(octets)).toString('utf8')
        assert.match(bytes, FORM)
      })
  })

  describe("the platform's own sender", () => {
    const contacts = () => [{ name: 'Anna', email: 'anna@example.test', levels: LEVELS }]

    it('takes one mail after the other and says what became of it', async () => {
      const opened = await open({ mail: 'platform', contacts })
      history.record({ kind: 'failoverStarted', reason: '' })
      history.record({ kind: 'failoverDone', reason: '' })
      await eventually('offered', () => opened.takeMail() !== null)
      const first = opened.takeMail()
      assert.equal(first?.to, 'anna@example.test')
      assert.match(first.subject, /Failover started/)
      assert.equal(opened.takeMail()?.id, first.id)
      opened.settleMail(first.id, 'the SMS gateway is busy\n')
      await eventually('offered again', () => opened.takeMail() !== null)
      assert.match(opened.deliveries().at(-1)?.lastError ?? '', /^the SMS gateway is busy$/)
      for (const subject of [/started/, /done/]) {
        await eventually('the next one', () => subject.test(opened.takeMail()?.subject ?? ''))
        opened.settleMail(opened.takeMail()!.id, null)
      }
      await eventually('both', () => states().every((state) => state === 'delivered'))
      assert.throws(() => opened.settleMail(first.id, null), { code: 'HS_NOT_FOUND' })
    })
  })
})
