import assert from 'node:assert/strict'
import supertest from 'supertest'
import { API_TOKEN, hidden, useWebPlatform } from '../support/web-platform.ts'
import { newStatus } from '../support/web-status.ts'

const RESOURCES = [
  'pbx/extensions',
  'pbx/ring-groups',
  'pbx/trunks',
  'pbx/inbound-routes',
  'pbx/outbound-routes',
  'pbx/ivr-menus',
  'pbx/time-conditions',
] as const

describe('the example platform', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  before(() => web().agent.setStatus(newStatus()))
  const api = (method: 'get' | 'post' | 'put' | 'delete', path: string) =>
    supertest(web().url)[method](`/api/${path}`).set('authorization', `Bearer ${API_TOKEN}`)

  it('lets nobody in without a log-in', async () => {
    for (const path of ['/', '/calls', '/system/network-settings/', '/pbx/extensions/'])
      await supertest(web().url)
        .get(path)
        .expect(303)
        .expect('location', /^\/login\?to=/)
    await supertest(web().url).get('/api/extensions').expect(401)
    await supertest(web().url)
      .get('/api/extensions')
      .set('authorization', 'Bearer this-is-no-token-that-exists')
      .expect(401)
  })

  it('refuses a wrong password and leads nowhere else after the log-in', async () => {
    const client = supertest.agent(web().url)
    const page = await client.get('/login?to=//evil.example/').expect(200)
    assert.equal(hidden(page.text, 'to'), '/')
    const _csrf = hidden(page.text, '_csrf')
    const wrong = { _csrf, name: 'admin', password: 'wrong' }
    const answer = await client.post('/login').type('form').send(wrong).expect(401)
    assert.match(answer.text, /The name or the password is wrong/)
  })

  for (const path of RESOURCES) {
    it(`shows list and form of /${path}, and names every required field when it is empty`, async () => {
      const admin = await web().logIn('admin')
      await admin.get(`/${path}/`).expect(200)
      await admin.get(`/${path}/1`).expect(200)
      const form = await admin.get(`/${path}/new`).expect(200)
      const empty = { _csrf: hidden(form.text, '_csrf') }
      const answer = await admin.post(`/${path}/new`).type('form').send(empty).expect(422)
      const required = [...form.text.matchAll(/required/g)].length
      assert.ok(required > 0)
      assert.ok([...answer.text.matchAll(/This is required/g)].length >= required)
    })

    it(`does not let a viewer change /${path}, and asks for the CSRF token`, async () => {
      const viewer = await web().logIn('viewer')
      const page = await viewer.get(`/${path}/1`).expect(200)
      const _csrf = hidden(page.text, '_csrf')
      await viewer.post(`/${path}/1`).type('form').send({ _csrf }).expect(403)
      const admin = await web().logIn('admin')
      await admin.post(`/${path}/1`).type('form').send({}).expect(403)
    })
  }

  it('saves extension and voicemail together and shows them again', async () => {
    const created = await api('post', 'extensions')
      .send({ number: '3001', name: '<b>Zoë</b>', voicemail: { pin: '4711', enabled: false } })
      .expect(201)
    const { id } = created.body as { id: number }
    const read = await api('get', `extensions/${id}`).expect(200)
    const body = read.body as Record<string, unknown>
    assert.equal(body['voicemail.pin'], '4711')
    assert.equal(body['voicemail.enabled'], '')
    assert.equal('secret' in body, false)
    const admin = await web().logIn('admin')
    const page = await admin.get(`/pbx/extensions/${id}`).expect(200)
    assert.match(page.text, /&lt;b&gt;Zoë&lt;\/b&gt;/)
    await api('delete', `extensions/${id}`).expect(204)
    await api('get', `extensions/${id}`).expect(404)
  })

  it('refuses a number that is taken anywhere in the dial plan', async () => {
    const answer = await api('post', 'extensions')
      .send({ number: '6200', name: 'X', voicemail: { pin: '1234' } })
      .expect(422)
    const { fields } = answer.body as { fields: Record<string, string> }
    assert.equal(fields['number'], 'This number is taken by another ring group.')
  })

  it('says what still uses an extension that is to be removed', async () => {
    const answer = await api('delete', 'extensions/1').expect(409)
    assert.match(answer.text, /still used in ring group members/)
  })

  it('changes the members of a ring group as a whole', async () => {
    await api('put', 'ring-groups/1')
      .send({ members: [{ extension_id: 5 }, { extension_id: 4 }, { extension_id: '' }] })
      .expect(200)
    const read = await api('get', 'ring-groups/1').expect(200)
    const body = read.body as Record<string, string>
    assert.deepEqual([body['members.0.extension_id'], body['members.1.extension_id']], ['5', '4'])
    await api('put', 'ring-groups/1')
      .send({ members: [{ extension_id: 5 }, { extension_id: 5 }] })
      .expect(422)
  })

  it('takes call records and refuses wrong ones field by field', async () => {
    const call = { caller: '1001', called: '+4930123', direction: 'outbound', result: 'answered' }
    await api('post', 'calls')
      .send({ ...call, duration_seconds: 12 })
      .expect(201)
    const answer = await api('post', 'calls').send({ caller: 'me' }).expect(422)
    const { fields } = answer.body as { fields: object }
    assert.deepEqual(Object.keys(fields).sort(), [
      'called',
      'caller',
      'direction',
      'duration_seconds',
      'result',
    ])
  })

  it('sends its security headers', async () => {
    const answer = await supertest(web().url).get('/login')
    assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    assert.equal(answer.headers['x-powered-by'], undefined)
  })
})
