import assert from 'node:assert/strict'
import { parseSettings, parseStoredSettings } from '../../../plugin/config/settings-schema.ts'
import { pairFields, serverFields } from '../../../plugin/config/settings-fields.ts'
import { HotStandbyError, type FieldProblem } from '../../../plugin/errors.ts'

const context = {
  network: {
    interfaceName: 'eth0',
    address: '192.168.1.11',
    prefixLength: 24,
    family: 'ipv4',
    isStatic: true,
    isDefault: true,
    kind: 'lan',
  },
  hostName: 'pbx-1',
  networkInterface: 'eth0',
  port: 7421,
} as const
const none = { server: null, pair: null }
const server = { identity: 'primary' }
const pair = { virtualIp: { address: '192.168.1.10' }, referenceAddresses: ['192.168.1.1'] }

describe('parseSettings', () => {
  it('completes what is not given', () => {
    assert.deepEqual(parseSettings({ server, pair }, none, context), {
      server: {
        identity: 'primary',
        hostName: 'pbx-1',
        networkInterface: 'eth0',
        peerAddress: null,
        peerPort: 7421,
        expectedPeerSerialNumber: null,
      },
      pair: {
        version: 0,
        virtualIp: { address: '192.168.1.10', prefixLength: 24 },
        keepAliveIntervalMs: 500,
        deadTimeMs: 5000,
        referenceAddresses: ['192.168.1.1'],
        coldStartAlone: true,
        contacts: [],
      },
    })
  })

  it('takes what a form sends, and keeps what it does not', () => {
    const first = parseSettings({ server, pair }, none, context)
    const present = { ...first, pair: { ...first.pair!, version: 7 } }
    const form = { deadTimeMs: '8000', coldStartAlone: 'false', virtualIp: { prefixLength: '24' } }
    const second = parseSettings({ server: { peerAddress: '' }, pair: form }, present, context)
    assert.equal(second.pair?.deadTimeMs, 8000)
    assert.equal(second.pair.coldStartAlone, false)
    assert.equal(second.pair.virtualIp.address, '192.168.1.10')
    assert.equal(second.pair.version, 7)
    assert.equal(second.server.peerAddress, null)
    assert.ok(Object.isFrozen(second.pair.virtualIp))
  })

  it('accepts a shorter dead time with the gate, which stays as it is unless it is given', () => {
    const short = { keepAliveIntervalMs: 100, deadTimeMs: 800 }
    const { address } = pair.virtualIp
    const gated = { ...pair, ...short, virtualIp: { address, gate: 'true' } }
    const first = parseSettings({ server, pair: gated }, none, context)
    assert.equal(first.pair?.virtualIp.gate, true)
    const second = parseSettings({ pair: { virtualIp: { address } } }, first, context)
    assert.equal(second.pair?.virtualIp.gate, true)
    const open = { virtualIp: { gate: false } }
    assert.throws(
      () => parseSettings({ pair: open }, first, context),
      (error: HotStandbyError) => error.details.fields?.[0]?.field === 'pair.deadTimeMs',
    )
  })

  it('needs no settings of the pair on a secondary that has not joined', () => {
    const form = { virtualIp: { address: '' }, referenceAddresses: [] }
    const parsed = parseSettings({ server: { identity: 'secondary' }, pair: form }, none, context)
    assert.equal(parsed.pair, null)
  })

  const wrong: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>?])[] = [
    ['server.identity', { identity: 'active' }],
    ['server.identity', { identity: undefined }],
    ['server.hostName', { hostName: '' }],
    ['server.hostName', { hostName: '-pbx' }],
    ['server.hostName', { hostName: `${'a'.repeat(64)}.example` }],
    ['server.networkInterface', { networkInterface: 'eth0/1' }],
    ['server.peerAddress', { peerAddress: 'pbx-2' }],
    ['server.peerAddress', { peerAddress: '192.168.1.11' }],
    ['server.peerPort', { peerPort: 0 }],
    ['server.peerPort', { peerPort: '7421.0' }],
    ['server.peerPort', { peerPort: ' 7421' }],
    ['server.peerPort', { peerPort: true }],
    ['server.expectedPeerSerialNumber', { expectedPeerSerialNumber: 'S 1' }],
    ['server.nonsense', { nonsense: 1 }],
    ['pair.virtualIp.address', {}, { virtualIp: { address: '192.168.2.10' } }],
    ['pair.virtualIp.address', {}, { virtualIp: { address: '192.168.1.11' } }],
    ['pair.virtualIp.address', {}, { virtualIp: { address: '192.168.1.255' } }],
    ['pair.virtualIp.address', {}, { virtualIp: { address: 'fd00::1' } }],
    ['pair.virtualIp.address', {}, { virtualIp: { address: '192.168.1' } }],
    ['pair.virtualIp.address', { peerAddress: '192.168.1.10' }],
    [
      'pair.virtualIp.prefixLength',
      {},
      { virtualIp: { address: '192.168.1.10', prefixLength: 33 } },
    ],
    ['pair.virtualIp', {}, { virtualIp: '192.168.1.10' }],
    ['pair.keepAliveIntervalMs', {}, { keepAliveIntervalMs: 50 }],
    ['pair.keepAliveIntervalMs', {}, { keepAliveIntervalMs: '5e2' }],
    ['pair.deadTimeMs', {}, { deadTimeMs: 2000 }],
    ['pair.deadTimeMs', {}, { deadTimeMs: '' }],
    ['pair.referenceAddresses', {}, { referenceAddresses: [] }],
    ['pair.referenceAddresses', {}, { referenceAddresses: '192.168.1.1' }],
    ['pair.referenceAddresses.0', {}, { referenceAddresses: ['gateway'] }],
    ['pair.referenceAddresses.0', {}, { referenceAddresses: ['192.168.1.11'] }],
    ['pair.referenceAddresses.1', {}, { referenceAddresses: ['192.168.1.1', '192.168.1.10'] }],
    ['pair.referenceAddresses.0', { peerAddress: '192.168.1.1' }],
    ['pair.coldStartAlone', {}, { coldStartAlone: 'maybe' }],
    ['pair.contacts', {}, { contacts: 'me' }],
    ['pair.contacts.0.email', {}, { contacts: [contact({ email: 'me' })] }],
    ['pair.contacts.0.name', {}, { contacts: [contact({ name: 'a\nb' })] }],
    ['pair.contacts.0.levels', {}, { contacts: [contact({ levels: [] })] }],
    ['pair.contacts.0.levels.0', {}, { contacts: [contact({ levels: ['panic'] })] }],
    ['pair.version', {}, { version: 9 }],
  ]
  for (const [field, ofServer, ofPair = {}] of wrong)
    it(`refuses ${field} in ${JSON.stringify({ ...ofServer, ...ofPair })}`, () => {
      const problems = problemsOf({
        server: { ...server, ...ofServer },
        pair: { ...pair, ...ofPair },
      })
      assert.deepEqual(
        problems.map((problem) => problem.field),
        [field],
      )
      assert.ok(problems[0]!.message.length > 3 && problems[0]!.remedy.length > 3)
      assert.doesNotMatch(
        problems[0]!.message,
        /Invalid|expected/,
        'in our words, not in those of zod',
      )
    })

  it('names all wrong fields at once', () => {
    const fields = problemsOf({
      server: { identity: 'x', hostName: '' },
      pair: { virtualIp: { address: '10.0.0.1' }, deadTimeMs: 1, referenceAddresses: ['x'] },
    }).map((problem) => problem.field)
    assert.deepEqual(fields.sort(), [
      'pair.deadTimeMs',
      'pair.referenceAddresses.0',
      'pair.virtualIp.address',
      'server.hostName',
      'server.identity',
    ])
  })

  it('refuses what is no object at all', () => {
    for (const given of ['text', 7, null, ['x']]) {
      assert.ok(problemsOf({ server: given, pair }).length > 0)
      assert.ok(problemsOf({ server, pair: given }).length > 0)
    }
  })
})

function contact(changed: Record<string, unknown>) {
  return { name: 'Ada', email: 'ada@example.com', levels: ['alert'], ...changed }
}

function problemsOf(input: { server?: unknown; pair?: unknown }): readonly FieldProblem[] {
  try {
    parseSettings(input, none, context)
  } catch (error) {
    assert.ok(error instanceof HotStandbyError, String(error))
    assert.equal(error.code, 'HS_SETTINGS_INVALID')
    return error.details.fields ?? []
  }
  return assert.fail('the settings were accepted')
}

describe('parseStoredSettings', () => {
  const stored = parseSettings({ server, pair }, none, context)

  it('takes what parseSettings made, and a server that has nothing yet', () => {
    assert.deepEqual(parseStoredSettings(stored).settings, stored)
    assert.deepEqual(parseStoredSettings(none).settings, none)
  })

  it('names what is wrong in a file that somebody edited', () => {
    for (const [found, field] of [
      [[], '(all)'],
      [{ server: null }, 'pair'],
      [{ ...stored, pair: { ...stored.pair, version: undefined } }, 'pair.version'],
      [{ ...stored, server: { ...stored.server, identity: 'boss' } }, 'server.identity'],
      [{ ...stored, surplus: 1 }, 'surplus'],
    ] as const) {
      const { settings, wrong } = parseStoredSettings(found)
      assert.equal(settings, null)
      assert.ok(
        wrong.some((text) => text.startsWith(`${field} = `)),
        `${field}: ${wrong.join()}`,
      )
    }
  })
})

describe('each field of the set-up page', () => {
  const WRONG: Readonly<Record<string, readonly unknown[]>> = {
    'server.identity': ['', 'boss', 5, null],
    'server.hostName': ['', 'a b', '-x', 'x'.repeat(254), 5],
    'server.networkInterface': ['', 'eth 0', 'a/b', 'x'.repeat(16), null],
    'server.peerAddress': ['pbx-b', '192.0.2.1/24', '999.1.1.1', 5],
    'server.peerPort': ['', '0', '65536', 'many', '1.5', -1, null],
    'server.expectedPeerSerialNumber': ['a b', 'x'.repeat(101), 5],
    'pair.virtualIp': ['192.168.1.10', 5, { address: 'here' }, { surplus: 1 }],
    'pair.keepAliveIntervalMs': ['', 'soon', '-1', '0', 1.5, null],
    'pair.deadTimeMs': ['', 'soon', '-1', '0', 1.5, null],
    'pair.referenceAddresses': [[], ['here'], '192.168.1.1', ['192.168.1.10'], null],
    'pair.coldStartAlone': ['', 'perhaps', 1, null],
    'pair.contacts': ['x', [5], [{ name: 'A', email: 'nobody', levels: ['alert'] }], null],
    'pair.notifications': ['x', 5, { surplus: 1 }],
    'pair.exclude': [
      'x',
      { tables: 'licence' },
      { tables: ['.licence'] },
      { columns: ['seen'] },
      { columns: ['device.'] },
      { tables: Array.from({ length: 201 }, (_, index) => `t${index}`) },
      { surplus: 1 },
    ],
    'pair.confirmSavesMs': ['soon', '99', 60_001, 1.5, true],
  }
  const names = [
    ...Object.keys(serverFields).map((name) => `server.${name}`),
    ...Object.keys(pairFields).map((name) => `pair.${name}`),
  ]

  it('has wrong values here: a new one must get some', () => {
    assert.deepEqual(Object.keys(WRONG).sort(), [...names].sort())
  })

  for (const [path, values] of Object.entries(WRONG))
    it(`is refused with field, value and remedy when it is wrong: ${path}`, () => {
      const [group, name] = path.split('.') as ['server' | 'pair', string]
      for (const value of values) {
        const input = { server: { ...server }, pair: { ...pair } }
        Object.assign(input[group], { [name]: value })
        const found = problems(input)
        const problem = found.find(({ field }) => `${field}.`.startsWith(`${path}.`))
        assert.ok(problem, `${JSON.stringify(value)}: ${JSON.stringify(found)}`)
        assert.ok(problem.value !== '' && problem.message !== '' && problem.remedy !== '')
      }
    })

  function problems(input: object): readonly FieldProblem[] {
    try {
      parseSettings(input, none, context)
    } catch (error) {
      assert.ok(error instanceof HotStandbyError)
      return error.details.fields ?? []
    }
    return []
  }
})
