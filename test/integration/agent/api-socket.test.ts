import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { lstatSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApiServer } from '../../../plugin/agent/api-server.ts'
import type { AgentApi, StreamEvent } from '../../../plugin/api/agent-api.ts'
import { createAgentClient } from '../../../plugin/api/agent-client.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'
import { startScriptedAgent, type ScriptedAgent } from '../../support/scripted-agent.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { waitUntil } from '../../support/wait-until.ts'

const SILENT = fileURLToPath(new URL('../../support/silent-socket.ts', import.meta.url))
const idle = { api: {} as AgentApi, subscribe: () => () => undefined }

describe('the agent’s API over its socket', () => {
  let agent: ScriptedAgent
  before(async () => {
    agent = await startScriptedAgent()
  })
  after(() => agent.close())
  beforeEach(() => agent.forget())

  function raw(
    method: string,
    path: string,
    body?: string,
  ): Promise<{ status: number; body: unknown }> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: agent.socketPath, method, path, agent: false })
      call.on('error', reject)
      call.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: JSON.parse(text) as unknown }),
        )
      })
      call.end(body)
    })
  }

  it('passes input and actor of every call, whatever letters the name has', async () => {
    const client = createAgentClient(agent.socketPath, { actor: 'Jürgen 李' })
    await client.takeOver({ force: true })
    await client.events({ after: 3, kind: 'paired' })
    await client.as('cli').resynchronise({})
    assert.deepEqual(
      agent.calls.map(({ name, input, actor }) => ({ name, input, actor })),
      [
        { name: 'takeOver', input: { force: true }, actor: 'Jürgen 李' },
        { name: 'events', input: { after: 3, kind: 'paired' }, actor: 'Jürgen 李' },
        { name: 'resynchronise', input: {}, actor: 'cli' },
      ],
    )
  })

  it('brings an error back with code, status, remedy and details', async () => {
    agent.on('takeOver', () =>
      Promise.reject(new HotStandbyError('HS_TAKE_OVER_REFUSED', { reason: 'it rains', place: 7 })),
    )
    await assert.rejects(createAgentClient(agent.socketPath).takeOver({}), (thrown) => {
      assert.ok(thrown instanceof HotStandbyError)
      assert.equal(thrown.code, 'HS_TAKE_OVER_REFUSED')
      assert.equal(thrown.message, 'The take-over was refused: it rains')
      assert.equal(thrown.details['place'], 7)
      return true
    })
    assert.equal((await raw('POST', '/take-over', '{}')).status, 409)
  })

  it('says nothing of an error of its own but that it is one', async () => {
    agent.on('doctor', () => Promise.reject(new Error('secret at /etc/shadow')))
    const { status, body } = await raw('GET', '/doctor')
    assert.equal(status, 500)
    assert.equal((body as { code: string }).code, 'HS_INTERNAL')
    assert.doesNotMatch(JSON.stringify(body), /shadow/)
  })

  const refusals: readonly (readonly [string, string, string | undefined, number, RegExp])[] = [
    ['POST', '/take-over', '{"force":"yes"}', 400, /force = .*is not true or false/],
    ['POST', '/take-over', '{"froce":true}', 400, /froce = true: there is no such field/],
    ['POST', '/take-over', '{"force":', 400, /is not JSON/],
    ['POST', '/take-over', '[]', 400, /\(all\)/],
    ['POST', '/take-over', `{"x":"${'y'.repeat(70_000)}"}`, 400, /is larger than 65536 bytes/],
    ['POST', '/wait', '{"for":"christmas","timeoutMs":5}', 400, /for = .*cannot be waited for/],
    ['POST', '/wait', '{"for":"active","timeoutMs":-5}', 400, /timeoutMs = -5: is negative/],
    ['POST', '/join', '{"peer":"","accessCode":"ABC-SECRET"}', 400, /peer = "": is empty/],
    ['GET', '/events?limit=many', undefined, 400, /limit = "many": is not a whole number/],
    ['GET', '/events?lim=1', undefined, 400, /lim = .*there is no such field/],
    ['GET', '/take-over', undefined, 404, /there is no call GET \/take-over/],
    ['DELETE', '/status', undefined, 404, /there is no call DELETE \/status/],
    ['GET', '/../etc/passwd', undefined, 404, /there is no call/],
  ]
  for (const [method, path, body, status, message] of refusals)
    it(`refuses ${method} ${path} ${(body ?? '').slice(0, 40)}`, async () => {
      const answer = await raw(method, path, body)
      assert.equal(answer.status, status)
      assert.match((answer.body as { message: string }).message, message)
      assert.doesNotMatch(JSON.stringify(answer.body), /ABC-SECRET/)
      assert.deepEqual(agent.calls, [])
    })

  it('waits for a call that works longer than the client’s patience for silence', async () => {
    const patienceMs = 1000
    const stillWorkingEveryMs = 50
    const folder = temporaryFolder()
    const socketPath = join(folder.path, 'agent.sock')
    const finish = new EventEmitter()
    const server = await startApiServer({
      socketPath,
      api: {
        ...idle.api,
        async check() {
          await once(finish, 'now')
          throw new HotStandbyError('HS_WRONG_STATE')
        },
      },
      subscribe: idle.subscribe,
      stillWorkingEveryMs,
    })
    try {
      const asked = createAgentClient(socketPath, { timeoutMs: patienceMs }).check({})
      const startedAt = performance.now()
      const witness = request({ socketPath, method: 'POST', path: '/check', agent: false })
      witness.on('information', () => {
        if (performance.now() - startedAt > 1.5 * patienceMs) finish.emit('now')
      })
      witness.on('response', (response) => response.resume())
      witness.end()
      await assert.rejects(asked, { code: 'HS_WRONG_STATE' })
    } finally {
      await server.close()
      folder.remove()
    }
  })

  it('streams the present status at once, then every history entry, and not more than a few statuses', async () => {
    const events: StreamEvent[] = []
    const ends: (HotStandbyError | null)[] = []
    const stream = createAgentClient(agent.socketPath).stream(
      (event) => events.push(event),
      (error) => ends.push(error),
    )
    await waitUntil('the first status', () => events.length > 0)
    const status = (events[0] as Extract<StreamEvent, { name: 'status' }>).data
    for (let index = 1; index <= 100; index += 1)
      agent.setStatus({ ...status, at: `change ${index}` })
    for (let id = 1; id <= 50; id += 1) agent.tell({ id, title: 'ä\n\nline' } as never)
    const last = () => events.findLast((event) => event.name === 'status')?.data
    await waitUntil('the newest status', () => last()?.at === 'change 100')
    const history = events.filter((event) => event.name === 'history')
    assert.deepEqual(
      history.map(({ data }) => data.id),
      Array.from({ length: 50 }, (_, index) => index + 1),
    )
    assert.equal(history[0]!.data.title, 'ä\n\nline')
    assert.ok(events.length - history.length <= 4, 'statuses in between are left out')
    stream.close()
    assert.deepEqual(ends, [null])
  })

  it('ends a stream with an error when the agent goes, and a stream to nobody too', async () => {
    const ends: (HotStandbyError | null)[] = []
    const events: StreamEvent[] = []
    const client = createAgentClient(agent.socketPath)
    client.stream(
      (event) => events.push(event),
      (error) => ends.push(error),
    )
    await waitUntil('the stream is open', () => events.length > 0)
    await agent.stop()
    await waitUntil('the end', () => ends.length === 1)
    client.stream(
      () => undefined,
      (error) => ends.push(error),
    )
    await waitUntil('the second end', () => ends.length === 2)
    assert.deepEqual(
      ends.map((error) => error?.code),
      ['HS_AGENT_UNREACHABLE', 'HS_AGENT_UNREACHABLE'],
    )
    await agent.start()
  })
})

describe('the agent’s socket', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let socketPath: string
  beforeEach(() => {
    folder = temporaryFolder()
    socketPath = join(folder.path, 'run', 'agent.sock')
  })
  afterEach(() => folder.remove())

  it('is for its owner and group, in a folder that is made, and gone after close', async () => {
    const server = await startApiServer({ socketPath, ...idle })
    assert.equal(statSync(socketPath).mode & 0o777, 0o660)
    await server.close()
    await server.close()
    assert.throws(() => lstatSync(socketPath), { code: 'ENOENT' })
    await assert.rejects(createAgentClient(socketPath).status(), { code: 'HS_AGENT_UNREACHABLE' })
  })

  it('is not taken from an agent that answers', async () => {
    const server = await startApiServer({ socketPath, ...idle })
    await assert.rejects(startApiServer({ socketPath, ...idle }), { code: 'HS_AGENT_RUNNING' })
    await server.close()
  })

  it('is not taken from a stopped agent, whose client gives up; and is taken once it was killed', async () => {
    await (await startApiServer({ socketPath, ...idle })).close()
    const silent = fork(SILENT, [socketPath])
    await once(silent, 'message')
    silent.kill('SIGSTOP')
    const client = createAgentClient(socketPath, { timeoutMs: 300 })
    await assert.rejects(client.status(), {
      code: 'HS_AGENT_UNREACHABLE',
      message: /no answer for 300 ms/,
    })
    await assert.rejects(startApiServer({ socketPath, ...idle }), { code: 'HS_AGENT_RUNNING' })
    silent.kill('SIGKILL')
    await once(silent, 'exit')
    const server = await startApiServer({ socketPath, ...idle })
    await server.close()
  })

  it('does not remove a file that is not a socket', async () => {
    const file = join(folder.path, 'file')
    writeFileSync(file, 'precious')
    await assert.rejects(startApiServer({ socketPath: file, ...idle }), {
      code: 'HS_CONFIG_INVALID',
      message: /socketPath = .*file: is a file that is not a socket/,
    })
    assert.equal(statSync(file).size, 8)
  })

  it('is refused with a path that is too long, or in a folder that cannot be made', async () => {
    for (const path of [join(folder.path, 'x'.repeat(100)), '/proc/nowhere/agent.sock'])
      await assert.rejects(startApiServer({ socketPath: path, ...idle }), {
        code: 'HS_CONFIG_INVALID',
      })
  })

  it('is reported unreachable when what listens there is no agent', async () => {
    await (await startApiServer({ socketPath, ...idle })).close()
    const sockets: Socket[] = []
    const other = createServer((socket) => sockets.push(socket.on('error', () => undefined)))
    other.on('connection', (socket) => socket.end('SSH-2.0-nonsense\r\n'))
    other.listen(socketPath)
    await once(other, 'listening')
    await assert.rejects(createAgentClient(socketPath).status(), { code: 'HS_AGENT_UNREACHABLE' })
    sockets.forEach((socket) => socket.destroy())
    other.close()
  })
})
