import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '../../../plugin/cli/run-cli.ts'

interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function cli(...argv: readonly string[]): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const io = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    clear: () => undefined,
  }
  const status = await runCli(argv, io)
  return { status, out: out.join('\n'), err: err.join('\n') }
}

describe('hot-standby on the command line', () => {
  let folder = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hot-standby-cli-'))
  })
  after(() => rm(folder, { recursive: true }))

  const wrongUsages: readonly (readonly string[])[] = [
    [],
    ['take-of'],
    ['status', '--colour'],
    ['status', 'surplus'],
    ['join', '--peer', '192.0.2.1'],
    ['wait'],
    ['wait', '--for', 'lunch'],
    ['wait', '--for', 'active', '--timeout', 'long'],
    ['events', '--limit', '-3'],
    ['events', '--level', 'panic'],
    ['setup'],
    ['setup', 'tertiary'],
    ['setup', 'primary', '--dead-time', 'soon'],
    ['setup', 'primary', '--contact', 'nobody'],
    ['setup', 'secondary', '--virtual-ip', '192.0.2.9/24'],
    ['status', '--config'],
  ]
  for (const argv of wrongUsages)
    it(`ends with status 2 and says how for: ${argv.join(' ') || '(nothing)'}`, async () => {
      const ran = await cli(...argv)
      assert.equal(ran.status, 2)
      assert.notEqual(ran.err, '')
      assert.equal(ran.out, '')
    })

  for (const argv of [['--help'], ['--version'], ['setup', 'primary', '--help'], ['help', 'join']])
    it(`answers ${argv.join(' ')} on standard output with status 0`, async () => {
      const ran = await cli(...argv)
      assert.equal(ran.status, 0)
      assert.notEqual(ran.out, '')
      assert.equal(ran.err, '')
    })

  it('names a missing configuration file and what to do', async () => {
    const ran = await cli('status', '--config', join(folder, 'missing.json'))
    assert.equal(ran.status, 1)
    assert.match(ran.err, /missing\.json cannot be read \(HS_CONFIG_INVALID\)\nRemedy: .*--config/u)
  })

  it('names every wrong field of the configuration with value and remedy', async () => {
    const path = join(folder, 'wrong.json')
    const wrong = {
      stateDirectory: '',
      database: { url: 'mysql://secret@db' },
      network: { interface: '', driver: 'magic' },
      platform: {},
      listen: { port: 70000 },
      logLevel: 'loud',
      colour: 'red',
    }
    await writeFile(path, JSON.stringify(wrong))
    const ran = await cli('status', '--config', path)
    assert.equal(ran.status, 1)
    for (const [field, value] of [
      ['stateDirectory', '""'],
      ['database.url', '(not shown)'],
      ['network.interface', '""'],
      ['network.driver', '"magic"'],
      ['listen.port', '70000'],
      ['logLevel', '"loud"'],
      ['colour', '"red"'],
    ])
      assert.ok(ran.err.includes(`  ${field} = ${value} `), `${field} in\n${ran.err}`)
    assert.doesNotMatch(ran.err, /secret@db/u)
    assert.doesNotMatch(ran.err, /^\s+at /mu)
  })

  const calls: readonly (readonly string[])[] = [
    ['status'],
    ['events'],
    ['access-code'],
    ['take-over'],
    ['resynchronise'],
    ['check'],
    ['notify-test'],
    ['disable'],
    ['wait', '--for', 'active'],
    ['setup', 'secondary'],
    ['join', '--peer', '192.0.2.1', '--access-code', 'X'],
  ]
  for (const argv of calls)
    it(`says that the agent does not answer: ${argv[0] ?? ''}`, async () => {
      const path = await writeConfig(folder)
      const human = await cli('--config', path, ...argv)
      assert.equal(human.status, 1)
      assert.match(human.err, /\(HS_AGENT_UNREACHABLE\)\nRemedy: Start it/u)
      assert.equal(human.out, '')
      const json = await cli('--config', path, '--json', ...argv)
      assert.equal(json.status, 1)
      const wire = JSON.parse(json.out) as { code: string; remedy: string }
      assert.equal(wire.code, 'HS_AGENT_UNREACHABLE')
      assert.notEqual(wire.remedy, '')
      assert.equal(json.err, '')
    })

  it('takes global options before and after the command', async () => {
    const path = await writeConfig(folder)
    const after = await cli('status', '--json', '--config', path)
    assert.equal((JSON.parse(after.out) as { code: string }).code, 'HS_AGENT_UNREACHABLE')
  })
})

async function writeConfig(folder: string): Promise<string> {
  const path = join(folder, 'hot-standby.config.json')
  const config = {
    stateDirectory: 'state',
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
  await writeFile(path, JSON.stringify(config))
  return path
}
