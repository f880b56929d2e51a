import assert from 'node:assert/strict'
import { schemaFields } from '../../../scripts/configuration-page.ts'
import { parseAgentConfig } from '../../../plugin/config/agent-config.ts'
import { HotStandbyError, type FieldProblem } from '../../../plugin/errors.ts'

type Tree = Record<string, unknown>

const NETWORK = {
  interfaceName: 'eth0',
  address: '192.0.2.1',
  prefixLength: 24,
  family: 'ipv4',
  isStatic: true,
  isDefault: true,
  kind: 'lan',
}
const VALID = {
  stateDirectory: 'state',
  database: { url: 'postgres://agent@127.0.0.1/pbx' },
  network: { interface: 'eth0' },
  platform: {
    facts: {
      productName: 'PBX',
      serialNumber: 'S-1',
      plan: 'Basic',
      firmwareVersion: '1.0',
      capacity: { extensions: 1, concurrentCalls: 1 },
      network: NETWORK,
    },
  },
}

/** By type, so that a field that is added is tried without anybody thinking of it. */
const WRONG_BY_TYPE: Readonly<Record<string, readonly unknown[]>> = {
  string: [5, null, true, [], {}],
  integer: ['many', 1.5, null, true, [], -1_000_000_000],
  number: ['many', null, true, []],
  boolean: ['yes', 1, null],
  object: ['x', 5, [], null],
}

/** What has the right type and is wrong all the same. */
const WRONG_BY_FIELD: Readonly<Record<string, readonly unknown[]>> = {
  stateDirectory: [''],
  socketPath: [''],
  'listen.address': ['', 'pbx-a', '999.1.1.1', '192.0.2.1/24'],
  'listen.port': [0, 65_536],
  'database.url': ['', 'mysql://agent@db/pbx', 'postgres://127.0.0.1/pbx', 'postgres://a:b@db/pbx'],
  'database.ownerUrl': ['', 'http://db', 'postgres://owner:secret@db/pbx'],
  'database.passwordFile': [''],
  'database.ownerPasswordFile': [''],
  'database.schema': ['', 'x'.repeat(64)],
  'database.replicatedSchemas': [[], [''], ['x'.repeat(64)]],
  'database.exclude.tables': [[''], ['.a']],
  'database.exclude.columns': [{ t: [] }, { t: [''] }, { t: 'c' }],
  'database.exclude.rows': [{ t: '' }, { t: 5 }, { t: 'true); drop table t' }, { t: 'f(a)' }],
  'database.journalCapBytes': [0, 1024],
  'network.interface': [''],
  'network.driver': ['magic'],
  'network.listenAddress': ['here'],
  'network.forward[].port': [0, 65_536],
  'network.forward[].to': ['', 'here', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:70000'],
  'platform.facts.productName': [''],
  'platform.facts.serialNumber': [''],
  'platform.facts.plan': [''],
  'platform.facts.hostName': [''],
  'platform.facts.firmwareVersion': ['', 'v1', '1..2', '1.0-beta'],
  'platform.facts.minimumFirmwareVersion': ['', 'latest'],
  'platform.facts.network.address': ['', 'here', '192.0.2.1/24'],
  'platform.facts.network.prefixLength': [0, 129],
  'platform.facts.network.family': ['ipx'],
  'platform.facts.network.kind': ['tunnel'],
  'platform.factsCommand': [[], ['']],
  'services.start': [[], ['']],
  'services.stop': [[], ['']],
  'services.health': [[], ['']],
  'services.healthIntervalMs': [0, 499],
  'services.timeoutMs': [0, 99],
  'smtp.host': [''],
  'smtp.port': [0, 65_536],
  'smtp.passwordFile': [''],
  'smtp.caFile': [''],
  'smtp.user': [''],
  'smtp.from': ['', 'nobody', 'a@b@c'],
  'notifications.mail': ['', 'pigeon'],
  'notifications.webhook.url': ['', 'here', 'ftp://example.com', 'https://a:b@example.com'],
  'notifications.webhook.secretFile': [''],
  'notifications.webhook.caFile': [''],
  'notifications.webhook.timeoutMs': [0, 99, 60_001],
  'notifications.webhook.levels': [[], ['loud']],
  'notifications.syslog.transport': ['', 'pigeon'],
  'notifications.syslog.host': [''],
  'notifications.syslog.port': [0, 65_536],
  'notifications.syslog.path': [''],
  'notifications.syslog.facility': ['kernel'],
  'notifications.syslog.levels': [[], ['loud']],
  logLevel: ['chatty'],
}

describe('the configuration file', () => {
  it('is taken when it is right', () => {
    assert.equal(parseAgentConfig(VALID, '/etc/x').stateDirectory, '/etc/x/state')
  })

  for (const { path, type } of schemaFields())
    it(`refuses each wrong ${path} with field, value and remedy`, () => {
      const wrong = [...byType(type), ...(WRONG_BY_FIELD[path] ?? [])]
      assert.ok(wrong.length >= 2, `no wrong value is known for the type ${type}`)
      for (const value of wrong) {
        const problems = problemsOf(withValue(path, value))
        const field = path.replaceAll('[]', '.0')
        const problem = problems.find((one) => `${one.field}.`.startsWith(`${field}.`))
        const shown = JSON.stringify(value)
        assert.ok(problem, `${shown} was not refused by name: ${JSON.stringify(problems)}`)
        assert.notEqual(problem.message, '')
        assert.notEqual(problem.remedy, '')
        assert.ok(problem.value === '(not shown)' || problem.value !== '', shown)
        assert.doesNotMatch(JSON.stringify(problems), /secret@|a:b@/, 'a secret is not repeated')
      }
    })

  it('refuses a field that does not exist, at every level', () => {
    for (const path of ['surplus', 'database.pasword', 'platform.facts.network.mtu']) {
      const [problem] = problemsOf(withValue(path, 1))
      assert.deepEqual([problem?.field, problem?.message], [path, 'there is no such field'])
    }
  })

  it('takes every relative path from its folder, and programs without a slash from PATH', () => {
    const config = parseAgentConfig(
      {
        ...VALID,
        socketPath: 'run/agent.sock',
        database: { ...VALID.database, passwordFile: 'a', ownerPasswordFile: '../b' },
        services: { start: ['./start', './argument'], stop: ['systemctl', 'stop'] },
        smtp: { host: 'mail', from: 'a@b.example', passwordFile: 'c', caFile: '/etc/ssl/ca.pem' },
      },
      '/etc/hot-standby',
    )
    assert.equal(config.socketPath, '/etc/hot-standby/run/agent.sock')
    assert.equal(config.database.passwordFile, '/etc/hot-standby/a')
    assert.equal(config.database.ownerPasswordFile, '/etc/b')
    assert.deepEqual(config.services.start, ['/etc/hot-standby/start', './argument'])
    assert.deepEqual(config.services.stop, ['systemctl', 'stop'])
    assert.equal(config.smtp?.passwordFile, '/etc/hot-standby/c')
    assert.equal(config.smtp.caFile, '/etc/ssl/ca.pem')
  })

  it('refuses a second database, and says where its tables can be', () => {
    const { database } = VALID
    for (const wrong of [
      { ...VALID, databases: [database] },
      { ...VALID, database: [database, { url: 'postgres://agent@127.0.0.1/calls' }] },
    ]) {
      const [problem, ...others] = problemsOf(wrong)
      assert.match(problem?.field ?? '', /^databases?$/)
      assert.match(problem?.message ?? '', /more than one database/)
      assert.match(problem?.remedy ?? '', /database\.replicatedSchemas/)
      assert.deepEqual(others, [])
    }
  })
})

function byType(type: string): readonly unknown[] {
  if (type.startsWith('list of')) return ['x', 5, {}, [5], [null]]
  return WRONG_BY_TYPE[type] ?? ['nonsense', 5, null, []]
}

/** The valid configuration with one value put in; levels that are missing are made. */
function withValue(path: string, value: unknown): Tree {
  const root = structuredClone(VALID) as Tree
  const keys = path.replaceAll('[]', '.0').split('.')
  let at: Tree = root
  keys.slice(0, -1).forEach((key, index) => {
    const next = keys[index + 1] ?? ''
    at[key] ??= /^\d+$/.test(next) ? [] : {}
    at = at[key] as Tree
  })
  at[keys.at(-1) ?? ''] = value
  return root
}

function problemsOf(input: unknown): readonly FieldProblem[] {
  try {
    parseAgentConfig(input, '/etc/x')
  } catch (error) {
    assert.ok(error instanceof HotStandbyError)
    assert.equal(error.code, 'HS_CONFIG_INVALID')
    return error.details.fields ?? []
  }
  return []
}
