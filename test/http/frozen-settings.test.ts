import assert from 'node:assert/strict'
import supertest from 'supertest'
import { frozenSettings } from '../../hooks/frozen-settings.ts'
import { API_TOKEN, hidden, useWebPlatform } from '../support/web-platform.ts'
import { activeStatus, newStatus, pairedStatus } from '../support/web-status.ts'

describe('settings that the pair stands on', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  const stored = async () => {
    const answer = await supertest(web().url)
      .get('/api/network-settings/1')
      .set('authorization', `Bearer ${API_TOKEN}`)
      .expect(200)
    return answer.body as Readonly<Record<string, string>>
  }
  const change = (values: object, cookie = '') =>
    supertest(web().url)
      .put('/api/network-settings/1')
      .set('authorization', `Bearer ${API_TOKEN}`)
      .set('cookie', cookie)
      .send(values)

  for (const [name, status] of [
    ['the active', activeStatus()],
    ['the standby', pairedStatus()],
  ] as const)
    it(`are frozen on ${name}, each with the reason; the others are not`, async () => {
      await web().setStatus(status)
      const before = await stored()
      for (const [field, value] of [
        ['host_name', 'another'],
        ['address', '192.0.2.77'],
        ['prefix_length', '16'],
      ] as const) {
        const answer = await change({ [field]: value }).expect(422)
        assert.match(answer.text, new RegExp(`${field}.*Frozen while this server belongs`))
      }
      await change({ dns_server: '192.0.2.53' }).expect(200)
      assert.deepEqual(await stored(), { ...before, dns_server: '192.0.2.53' })
      await change({ dns_server: before['dns_server'] ?? '' }).expect(200)
    })

  it('are shown, cannot be typed into, and a form that changes them all the same is refused', async () => {
    await web().setStatus(activeStatus())
    const admin = await web().logIn('admin')
    const page = await admin.get('/system/network-settings/').expect(200)
    assert.match(page.text, /<input id="field-host_name"[^>]*\breadonly\b/)
    assert.doesNotMatch(page.text, /<input id="field-dns_server"[^>]*\breadonly\b/)
    const form = { ...(await stored()), host_name: 'another', _csrf: hidden(page.text, '_csrf') }
    const answer = await admin.post('/system/network-settings/').type('form').send(form).expect(422)
    assert.match(answer.text, /id="field-host_name-problem">Frozen while this server/)
  })

  it('say why in the language of the reader', async () => {
    await web().setStatus(activeStatus())
    const answer = await change({ host_name: 'another' }, 'pbx_locale=de').expect(422)
    assert.match(answer.text, /Eingefroren, solange dieser Server/)
  })

  it('are free on a server that is not in a pair', async () => {
    await web().setStatus(newStatus())
    const before = await stored()
    await change({ host_name: 'another' }).expect(200)
    await change({ host_name: before['host_name'] }).expect(200)
  })

  it('stay frozen when the agent of a paired server is silent', async () => {
    await web().setStatus(activeStatus())
    await web().agent.stop()
    try {
      await change({ host_name: 'another' }).expect(422)
    } finally {
      await web().agent.start()
    }
  })

  for (const [what, lastStatus, isPairedInDatabase, isFrozen] of [
    ['the database says that there is a pair', null, () => Promise.resolve(true), true],
    ['the database says that there is none', null, () => Promise.resolve(false), false],
    ['the database does not answer either', null, () => Promise.reject(new Error('down')), true],
    ['there is no database to ask', null, null, true],
    ['it was alone when it still answered', newStatus(), () => Promise.resolve(true), false],
  ] as const)
    it(`are ${isFrozen ? 'frozen' : 'free'} without the agent when ${what}`, async () => {
      const frozen = await frozenSettings({
        status: () => Promise.reject(new Error('silent')),
        lastStatus: () => lastStatus,
        isPairedInDatabase,
      })
      assert.equal(frozen !== null, isFrozen)
    })
})
