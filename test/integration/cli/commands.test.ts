import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiServer, startApiServer } from '../../../plugin/agent/api-server.ts'
import type { AgentApi } from '../../../plugin/api/agent-api.ts'
import type { OperationStatus } from '../../../plugin/api/status-document.ts'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'
import { statusDocument } from '../../support/status-document.ts'

const OPERATION: OperationStatus = {
  id: 'operation-1',
  kind: 'takeOver',
  startedAt: '2026-03-01T10:00:00.000Z',
  finishedAt: '2026-03-01T10:00:01.000Z',
  outcome: 'done',
  steps: [{ at: '2026-03-01T10:00:00.500Z', text: 'everything is applied here' }],
  reason: null,
}
const REPORT = {
  at: '2026-03-01T10:00:00.000Z',
  durationMs: 40,
  tables: 17,
  rows: 230,
  repaired: false,
  differences: [],
}
const CODE = {
  accessCode: 'ABCD-EFGH',
  expiresAt: '2026-03-01T10:15:00.000Z',
  address: '192.0.2.1',
  port: 7421,
}

/** The real socket server; behind it an agent that answers what the test wants and remembers what it was asked. */
const AMOUNT = { tables: 2, rows: 7, isExact: false, lastActiveAt: '2026-03-01T10:00:00.000Z' }

describe('The commands of hot-standby, over the socket', () => {
  let folder = ''
  let configPath = ''
  let server: ApiServer
  let asked: { readonly call: string; readonly input: unknown; readonly actor: unknown }[] = []
  let answers: Partial<Record<keyof AgentApi, () => unknown>> = {}

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hot-standby-cli-'))
    configPath = join(folder, 'hot-standby.config.json')
    const socketPath = join(folder, 'agent.sock')
    await writeFile(configPath, JSON.stringify(config(folder)))
    const api = new Proxy({} as AgentApi, {
      get:
        (_, call: keyof AgentApi) =>
        (...received: unknown[]) => {
          const context = received.at(-1) as { actor?: unknown }
          asked.push({
            call,
            input: received.length > 1 ? received[0] : null,
            actor: context.actor,
          })
          const answer = answers[call]
          if (answer === undefined) throw new Error(`no answer for ${call}`)
          return Promise.resolve(answer())
        },
    })
    server = await startApiServer({ socketPath, api, subscribe: () => () => undefined })
  })
  beforeEach(() => {
    asked = []
    answers = { status: () => statusDocument() }
  })
  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  const cli = async (...argv: readonly string[]) => {
    const out: string[] = []
    const err: string[] = []
    const io = {
      out: (line: string) => out.push(line),
      err: (line: string) => err.push(line),
      clear: () => undefined,
    }
    const status = await runCli(['--config', configPath, ...argv], io)
    return { status, out: out.join('\n'), err: err.join('\n') }
  }
  const callOf = (call: keyof AgentApi) => asked.find((one) => one.call === call)

  it('status prints the whole document with --json', async () => {
    const ran = await cli('status', '--json')
    assert.equal(ran.status, 0)
    assert.deepEqual(JSON.parse(ran.out), statusDocument())
  })

  it('setup primary saves what was given and prints an access code with the next command', async () => {
    answers['saveSettings'] = () => ({ settings: { server: null, pair: null } })
    answers['makeAccessCode'] = () => CODE
    answers['status'] = () => statusDocument({ setUp: 'waitingForPeer' })
    const flags = [
      '--virtual-ip',
      '192.0.2.10/24',
      '--reference',
      '192.0.2.1',
      '--reference',
      '192.0.2.2',
    ]
    const ran = await cli(
      'setup',
      'primary',
      ...flags,
      '--dead-time',
      '5',
      '--contact',
      'A <a@b.example>',
    )
    assert.equal(ran.status, 0)
    assert.deepEqual(callOf('saveSettings'), {
      call: 'saveSettings',
      actor: 'cli',
      input: {
        server: { identity: 'primary' },
        pair: {
          virtualIp: { address: '192.0.2.10', prefixLength: 24 },
          deadTimeMs: 5000,
          referenceAddresses: ['192.0.2.1', '192.0.2.2'],
          contacts: [
            { name: 'A', email: 'a@b.example', levels: ['information', 'warning', 'alert'] },
          ],
        },
      },
    })
    assert.match(ran.out, /hot-standby join --peer 192\.0\.2\.1:7421 --access-code ABCD-EFGH/u)
  })

  it('setup primary makes no access code for a server that is paired', async () => {
    answers['saveSettings'] = () => ({ settings: { server: null, pair: null } })
    assert.equal((await cli('setup', 'primary', '--dead-time', '10')).status, 0)
    assert.equal(callOf('makeAccessCode'), undefined)
  })

  it('setup names every wrong field that the agent refuses, each with its remedy', async () => {
    answers['saveSettings'] = () => {
      const fields = [
        { field: 'pair.deadTimeMs', value: '10', message: 'is too short', remedy: 'Give more.' },
        { field: 'pair.virtualIp.address', value: '"x"', message: 'is wrong', remedy: 'Give one.' },
      ]
      throw new HotStandbyError('HS_SETTINGS_INVALID', { fields })
    }
    const ran = await cli('setup', 'primary', '--dead-time', '10ms')
    assert.equal(ran.status, 1)
    assert.match(ran.err, /^ {2}pair\.deadTimeMs = 10 is too short\n {4}Give more\.$/mu)
    assert.match(ran.err, /^ {2}pair\.virtualIp\.address = "x" is wrong\n {4}Give one\.$/mu)
  })

  it('join follows the pairing to its end and tells the steps', async () => {
    const running = { ...OPERATION, kind: 'join', outcome: 'running', steps: [] } as const
    const done = { ...OPERATION, kind: 'join' } as const
    answers['join'] = () => ({ operation: running })
    answers['status'] = () => statusDocument({ operation: done })
    const ran = await cli('join', '--peer', '192.0.2.1', '--access-code', 'ABCD-EFGH')
    assert.equal(ran.status, 0, ran.err)
    assert.match(ran.err, /everything is applied here/u)
    assert.deepEqual(callOf('join')?.input, { peer: '192.0.2.1', accessCode: 'ABCD-EFGH' })
  })

  it('join ends with status 1 and the reason when the pairing fails', async () => {
    const error = new HotStandbyError('HS_REQUIREMENTS_FAILED', { reason: 'wrong plan' }).toJSON()
    const failed = { ...OPERATION, kind: 'join', outcome: 'failed', error } as const
    answers['join'] = () => ({ operation: failed })
    const ran = await cli('join', '--peer', '192.0.2.1', '--access-code', 'X')
    assert.equal(ran.status, 1)
    assert.match(ran.err, /: wrong plan \(HS_REQUIREMENTS_FAILED\)\nRemedy: /u)
  })

  it('join --preview ends with status 1 when a mandatory requirement is not met', async () => {
    const requirement = {
      id: 'samePlan',
      title: 'Same plan',
      met: false,
      mandatory: true,
      own: 'Basic',
      peer: 'Enterprise',
      remedy: 'Buy the same plan.',
    }
    const data = { primary: { ...AMOUNT, rows: 0 }, secondary: AMOUNT }
    const preview = { data, keepDataOf: null }
    answers['previewJoin'] = () => ({ ...preview, requirements: [requirement] })
    const refused = await cli('join', '--preview', '--peer', '192.0.2.1', '--access-code', 'X')
    assert.equal(refused.status, 1)
    assert.match(
      refused.out,
      /^FAILED {3}Same plan: here Basic, peer Enterprise\n {9}Buy the same/mu,
    )
    assert.match(
      refused.out,
      /^Data {5}the secondary has about 7 rows in 2 tables and was made active at 2026-03-01 10:00 UTC, the primary has no data, .*\n.*--keep-data-of/mu,
    )
    answers['previewJoin'] = () => ({
      ...preview,
      requirements: [{ ...requirement, mandatory: false }],
      keepDataOf: 'secondary',
    })
    const warned = await cli('join', '--preview', '--peer', '192.0.2.1', '--access-code', 'X')
    assert.equal(warned.status, 0)
    assert.match(warned.out, /The data of the secondary is kept, that of the primary is replaced/u)
    assert.equal(callOf('join'), undefined)
  })

  it('take-over says what --force would lose, asks for a word, waits and tells the steps', async () => {
    answers['takeOver'] = () => ({ operation: OPERATION })
    answers['status'] = () => statusDocument({ operation: OPERATION })
    answers['previewLoss'] = () => ({
      meaning: 'Two changes would be lost.',
      blockers: [{ id: 'behind', reason: 'this server is behind', remedy: 'Wait.' }],
    })
    const refused = await cli('take-over', '--force')
    assert.equal(refused.status, 1)
    assert.match(refused.err, /HS_CONFIRMATION_NEEDED/u)
    assert.equal(callOf('takeOver'), undefined)
    const ran = await cli('take-over', '--force', '--yes')
    assert.equal(ran.status, 0)
    assert.deepEqual(callOf('takeOver')?.input, { force: true, wait: true })
    assert.match(ran.err, /Two changes would be lost\.\n.*this server is behind/u)
    assert.match(ran.err, /everything is applied here/u)
    assert.equal(ran.out, 'This server is active now.')
  })

  it('take-over says why it was refused', async () => {
    answers['takeOver'] = () => {
      throw new HotStandbyError('HS_TAKE_OVER_REFUSED', { reason: 'the data is not in sync' })
    }
    const ran = await cli('take-over')
    assert.equal(ran.status, 1)
    assert.match(ran.err, /the data is not in sync \(HS_TAKE_OVER_REFUSED\)\nRemedy: /u)
    const json = await cli('--json', 'take-over')
    assert.equal((JSON.parse(json.out) as { code: string }).code, 'HS_TAKE_OVER_REFUSED')
  })

  it('wait passes the state and the time limit on', async () => {
    answers['wait'] = () => ({ reached: true })
    assert.equal((await cli('wait', '--for', 'in-sync', '--timeout', '1.5')).status, 0)
    assert.deepEqual(callOf('wait')?.input, { for: 'in-sync', timeoutMs: 1500 })
  })

  it('check ends with status 1 when the servers differ and nothing was repaired', async () => {
    const difference = {
      table: 'public.extensions',
      onlyOnActive: 1,
      onlyOnStandby: 0,
      different: 2,
      keys: ['7', '9'],
      rows: [{ key: '7', active: '(7,anna)', standby: null }],
    }
    answers['check'] = () => REPORT
    assert.equal((await cli('check')).status, 0)
    answers['check'] = () => ({ ...REPORT, differences: [difference] })
    const differs = await cli('check')
    assert.equal(differs.status, 1)
    assert.match(
      differs.out,
      /public\.extensions: 2 different, 1 only on the active.*\n +7\n +active: +\(7,anna\)\n +standby: +\(no row\)/u,
    )
    answers['check'] = () => ({ ...REPORT, differences: [difference], repaired: true })
    const repaired = await cli('check', '--repair')
    assert.equal(repaired.status, 0)
    assert.deepEqual(asked.filter((one) => one.call === 'check').at(-1)?.input, { repair: true })
  })

  it('events prints one line each and passes the filters on', async () => {
    const entry = {
      id: 3,
      at: '2026-03-01T10:00:00.000Z',
      serverId: 'b',
      hostName: 'pbx-b',
      kind: 'failoverDone',
      level: 'alert',
      title: 'Failover done',
      reason: 'no heartbeat for 5000 ms',
      meaning: 'Calls go on.',
      advice: 'Repair the other server.',
      data: {},
      actor: null,
    }
    answers['events'] = () => ({ events: [entry] })
    const ran = await cli('events', '--limit', '5', '--level', 'alert', '--kind', 'failoverDone')
    assert.match(ran.out, /alert {8}Failover done: no heartbeat for 5000 ms$/u)
    const input = callOf('events')?.input as Record<string, unknown>
    assert.equal(Number(input['limit']), 5)
    assert.equal(input['level'], 'alert')
    assert.equal(input['kind'], 'failoverDone')
    const more = [
      '--since',
      '2026-03-01T00:00Z',
      '--until',
      '2h',
      '--server',
      'pbx-b',
      '--before',
      '9',
    ]
    const table = await cli('events', ...more, '--csv')
    const [heading, line] = table.out.split('\n')
    assert.equal(
      heading,
      '"id","time","server","level","kind","title","reason","meaning","advice","by"',
    )
    assert.match(line ?? '', /^"3","2026-03-01T10:00:00.000Z","pbx-b","alert","failoverDone",/)
    const filter = asked.filter((one) => one.call === 'events').at(-1)?.input as Record<
      string,
      string
    >
    assert.deepEqual([filter['since'], filter['server']], ['2026-03-01T00:00:00.000Z', 'pbx-b'])
    assert.equal(Number(filter['before']), 9)
    assert.ok(Math.abs(Date.parse(filter['until'] ?? '') - Date.now() + 7_200_000) < 60_000)
    for (const wrong of ['yesterday', '2026-13-01', '2h30', ''])
      assert.equal((await cli('events', '--since', wrong)).status, 2, wrong)
  })

  it('resynchronise, access-code, notify-test and disable answer what was done', async () => {
    answers['resynchronise'] = () => ({ operation: { ...OPERATION, kind: 'resynchronise' } })
    answers['makeAccessCode'] = () => CODE
    answers['notifyTest'] = () => ({ delivered: ['a@b.example'] })
    answers['disable'] = () => ({ done: true })
    assert.match((await cli('resynchronise')).out, /copied afresh/u)
    assert.match((await cli('access-code')).out, /^Access code {2}ABCD-EFGH$/mu)
    assert.equal(
      (await cli('notify-test', '--email', 'a@b.example')).out,
      'Delivered to a@b.example',
    )
    assert.deepEqual(callOf('notifyTest')?.input, { email: 'a@b.example' })
    await cli('notify-test', '--channel', 'webhook')
    const last = asked.filter(({ call }) => call === 'notifyTest').at(-1)
    assert.deepEqual(last?.input, { channel: 'webhook' })
    assert.equal((await cli('notify-test', '--channel', 'pigeon')).status, 2)
    assert.match((await cli('disable', '--force')).out, /not protected/u)
    assert.deepEqual(callOf('disable')?.input, { force: true })
  })

  it('doctor adds what the agent knows to what it sees itself', async () => {
    const check = { id: 'x', title: 'Peer', result: 'failed', detail: 'silent', remedy: 'Look.' }
    answers['doctor'] = () => ({ ok: false, checks: [check] })
    const ran = await cli('doctor')
    assert.equal(ran.status, 1)
    assert.match(ran.out, /^ok {7}Configuration file: /mu)
    assert.match(ran.out, /^FAILED {3}Database: The database cannot be reached/mu)
    assert.match(ran.out, /^ok {7}Agent: runs and answers$/mu)
    assert.match(ran.out, /^FAILED {3}Peer: silent\n {9}Look\.$/mu)
  })
})

/** Port 1 has no PostgreSQL on any machine. */
function config(folder: string): object {
  return {
    stateDirectory: folder,
    database: { url: 'postgres://hot_standby@127.0.0.1:1/pbx' },
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
