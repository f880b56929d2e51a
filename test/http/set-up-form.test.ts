import assert from 'node:assert/strict'
import type supertest from 'supertest'
import { hidden, useWebPlatform } from '../support/web-platform.ts'
import { activeStatus, newStatus } from '../support/web-status.ts'

const BASE = '/system/hot-standby'
const RIGHT = {
  'server.identity': 'primary',
  'server.hostName': 'pbx-1',
  'server.networkInterface': 'eth0',
  'server.peerAddress': '192.0.2.2',
  'server.peerPort': '7421',
  'server.expectedPeerSerialNumber': 'SN-2',
  'pair.virtualIp.address': '192.0.2.10',
  'pair.virtualIp.prefixLength': '24',
  'pair.keepAliveIntervalMs': '500',
  'pair.deadTimeMs': '5000',
  'pair.referenceAddresses': '192.0.2.254',
  'pair.exclude.tables': 'network_settings\r\npublic.licence\r\n',
  'pair.exclude.columns': 'device.last_seen',
  'pair.confirmSavesMs': '1000',
  'pair.coldStartAlone': 'on',
}
const WRONG: readonly (readonly [keyof typeof RIGHT, string])[] = [
  ['server.identity', 'boss'],
  ['server.hostName', 'not a host'],
  ['server.networkInterface', 'eth 0/1'],
  ['server.peerAddress', '192.0.2.300'],
  ['server.peerPort', '70000'],
  ['server.expectedPeerSerialNumber', 'SN 2'],
  ['pair.virtualIp.address', 'virtual'],
  ['pair.virtualIp.prefixLength', '129'],
  ['pair.keepAliveIntervalMs', 'often'],
  ['pair.deadTimeMs', '600'],
  ['pair.referenceAddresses', '192.0.2.254 gateway'],
  ['pair.exclude.tables', '.licence'],
  ['pair.exclude.columns', 'last_seen'],
  ['pair.confirmSavesMs', '10'],
]

describe('the set-up form', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  let admin: supertest.Agent
  before(async () => {
    admin = await web().logIn('admin')
  })
  beforeEach(() => {
    web().agent.forget()
    web().agent.setStatus(newStatus())
  })
  const post = async (path: string, form: object) => {
    const page = await admin.get(`${BASE}/${path}`).expect(200)
    const body = { _hs_csrf: hidden(page.text, '_hs_csrf'), ...form }
    return admin.post(`${BASE}/${path}`).type('form').send(body)
  }

  it('saves what is right', async () => {
    const answer = await post('set-up', RIGHT)
    assert.equal(answer.status, 303)
    const saved = web().agent.calls.find((call) => call.name === 'saveSettings')?.input
    assert.deepEqual((saved as { pair: object }).pair, {
      virtualIp: { address: '192.0.2.10', prefixLength: '24' },
      keepAliveIntervalMs: '500',
      deadTimeMs: '5000',
      referenceAddresses: ['192.0.2.254'],
      coldStartAlone: true,
      contacts: [],
      confirmSavesMs: '1000',
      exclude: {
        tables: ['network_settings', 'public.licence'],
        columns: ['device.last_seen'],
      },
    })
  })

  it('turns the gate on, says the dead time that goes with it, and leaves it as it is', async () => {
    const gates = () =>
      web()
        .agent.calls.filter((call) => call.name === 'saveSettings')
        .map(({ input }) => (input as { pair: { virtualIp: { gate?: boolean } } }).pair.virtualIp)
        .map(({ gate }) => gate)
    const off = await admin.get(`${BASE}/set-up`).expect(200)
    assert.match(off.text, /At least 3,000 with an interval of 500/)
    await post('set-up', { ...RIGHT, 'pair.virtualIp.gate': 'on' })
    const base = activeStatus()
    const pair = { ...base.settings.pair!, keepAliveIntervalMs: 100 }
    const virtualIp = { ...pair.virtualIp, gate: true }
    web().agent.setStatus({ ...base, settings: { ...base.settings, pair: { ...pair, virtualIp } } })
    const on = await admin.get(`${BASE}/set-up`).expect(200)
    assert.match(on.text, /name="pair.virtualIp.gate"[^>]* checked/)
    assert.match(on.text, /At least 800 with an interval of 100/)
    await post('set-up', { ...RIGHT, 'pair.virtualIp.gate': 'on' })
    await post('set-up', RIGHT)
    assert.deepEqual(gates(), [true, undefined, false])
  })

  for (const [field, value] of WRONG)
    it(`says beside ${field} what is wrong with ${value}, and keeps what was typed`, async () => {
      const answer = await post('set-up', { ...RIGHT, [field]: value })
      assert.equal(answer.status, 422)
      const id = `hs-${field.replaceAll('.', '-')}`
      assert.match(answer.text, new RegExp(`id="${id}-problem">This [^<]{10,}`))
      if (field !== 'server.identity') assert.ok(answer.text.includes(value), answer.text)
    })

  it('names several wrong fields at once', async () => {
    const answer = await post('set-up', { ...RIGHT, 'server.peerPort': '0', 'server.hostName': '' })
    assert.match(answer.text, /id="hs-server-peerPort-problem"/)
    assert.match(answer.text, /id="hs-server-hostName-problem"/)
  })

  it('puts the problem of a contact beside the row that it was typed in', async () => {
    web().agent.setStatus(activeStatus())
    const page = await admin.get(`${BASE}/notifications`).expect(200)
    const wrong = await admin
      .post(`${BASE}/notifications/contacts`)
      .type('form')
      .send({
        _hs_csrf: hidden(page.text, '_hs_csrf'),
        'contacts.0.name': 'Ann',
        'contacts.0.email': 'ann@example.com',
        'contacts.0.alert': 'on',
        'contacts.2.name': 'Ben',
        'contacts.2.email': 'ben',
      })
    assert.equal(wrong.status, 422)
    assert.match(wrong.text, /id="hs-contacts-2-email-problem"/)
    assert.match(wrong.text, /Choose at least one level/)
    assert.doesNotMatch(wrong.text, /hs-contacts-0-email-problem/)
  })

  it('asks for address and access code before it asks the agent', async () => {
    const base = activeStatus()
    const server = { ...base.settings.server!, identity: 'secondary', peerAddress: null } as const
    web().agent.setStatus({ ...newStatus(), settings: { server, pair: null } })
    const page = await admin.get(`${BASE}/set-up`).expect(200)
    const body = { _hs_csrf: hidden(page.text, '_hs_csrf'), peer: ' ', accessCode: '' }
    const answer = await admin.post(`${BASE}/set-up/join`).type('form').send(body)
    assert.equal(answer.status, 400)
    assert.match(answer.text, /id="hs-peer-problem"/)
    assert.match(answer.text, /id="hs-accessCode-problem"/)
    assert.equal(
      web().agent.calls.some((call) => call.name === 'join'),
      false,
    )
  })

  it('asks whose data the pair keeps before any is replaced', async () => {
    const base = activeStatus()
    const server = { ...base.settings.server!, identity: 'secondary', peerAddress: null } as const
    web().agent.setStatus({ ...newStatus(), settings: { server, pair: null } })
    const page = await admin.get(`${BASE}/set-up`).expect(200)
    const form = { _hs_csrf: hidden(page.text, '_hs_csrf'), peer: '192.0.2.1', accessCode: 'CODE' }
    const send = (more: object) =>
      admin
        .post(`${BASE}/set-up/join`)
        .type('form')
        .send({ ...form, ...more })
    const joined = () => web().agent.calls.filter((call) => call.name === 'join')

    const asked = await send({}).expect(409)
    assert.match(asked.text, /The primary server has 0 rows of data, this server 1,234 rows/)
    assert.match(asked.text, /id="hs-keepDataOf-problem"/)
    assert.doesNotMatch(asked.text, /name="keepDataOf" value="\w+" checked/)
    assert.deepEqual(joined(), [])
    await send({ keepDataOf: 'both' }).expect(400)
    assert.deepEqual(joined(), [])
    await send({ keepDataOf: 'secondary' }).expect(303)
    assert.deepEqual(
      joined().map((call) => call.input),
      [{ peer: '192.0.2.1', accessCode: 'CODE', keepDataOf: 'secondary' }],
    )
  })
})
