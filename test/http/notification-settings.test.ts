import assert from 'node:assert/strict'
import type supertest from 'supertest'
import { useWebPlatform } from '../support/web-platform.ts'
import { activeStatus } from '../support/web-status.ts'

const BASE = '/system/hot-standby'
const WRITTEN = { subject: 'Mine: {{title}}', text: 'Why: {{reason}}', html: '<b>{{title}}</b>' }

describe('what is told, and in which words, over the JSON API', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  let admin: supertest.Agent
  let token: string

  before(async () => {
    admin = await web().logIn('admin')
    const answer = await admin.get(`${BASE}/api/csrf`).expect(200)
    token = (answer.body as { token: string }).token
    await web().setStatus(activeStatus())
  })
  it('is changed in parts, by the rules of the settings', async () => {
    const put = (body: object) =>
      admin.put(`${BASE}/api/notifications/settings`).set('x-hot-standby-csrf', token).send(body)
    const answer = await put({ kinds: { peerBack: 'off' }, notProtectedAfterMinutes: 7 })
    assert.equal(answer.status, 200, answer.text)
    const { notifications } = answer.body as { notifications: Record<string, unknown> }
    assert.deepEqual(notifications['kinds'], { peerBack: 'off' })
    assert.equal(notifications['notProtectedAfterMinutes'], 7)
    for (const [body, expected] of [
      [{ kinds: { nothing: 'off' } }, /is not a kind of event/],
      [{ templates: { nothing: WRITTEN } }, /is not a template/],
      [{ templates: { default: { ...WRITTEN, html: '{{{title}}}' } } }, /would not be escaped/],
      [{ behindAfterSeconds: 1 }, /is not a number of seconds/],
      [{ templates: { default: { subject: 'x' } } }, /templates\.default\.text/],
    ] as const) {
      const refused = await put(body)
      assert.ok(refused.status === 422 || refused.status === 400, String(refused.status))
      assert.match(refused.text, expected)
    }
  })

  it('is shown with sample data, and refused with the name of what is wrong', async () => {
    const preview = (template: object, name = 'default') =>
      admin
        .post(`${BASE}/api/notifications/preview`)
        .set('x-hot-standby-csrf', token)
        .send({ name, template })
    const answer = await preview(WRITTEN).expect(200)
    assert.deepEqual(answer.body, {
      subject: 'Mine: Failover done',
      text: 'Why: no heartbeat for 5000 ms',
      html: '<b>Failover done</b>',
    })
    const wrong = await preview({ ...WRITTEN, text: '{{password}}' }).expect(422)
    assert.match(wrong.text, /has an unknown variable: password/)
    await preview(WRITTEN, 'nothing').expect(404)
  })
})
