import assert from 'node:assert/strict'
import express from 'express'
import pg from 'pg'
import supertest from 'supertest'
import { hidden, API_TOKEN, PASSWORD, useWebPlatform } from '../support/web-platform.ts'
import { waitUntil } from '../support/wait-until.ts'
import { activeStatus, newStatus, pairedStatus } from '../support/web-status.ts'

describe('the configuration lock on the example platform', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  beforeEach(() => {
    web().agent.forget()
  })
  const withToken = { authorization: `Bearer ${API_TOKEN}` }
  let next = 2000
  const addExtension = () =>
    supertest(web().url)
      .post('/api/extensions')
      .set(withToken)
      .send({ number: String(next++), name: 'New', voicemail: { pin: '1234' } })

  it('lets the active server be configured', async () => {
    await web().setStatus(activeStatus())
    await addExtension().expect(201)
  })

  it('lets a server without a pair be configured', async () => {
    await web().setStatus(newStatus())
    await addExtension().expect(201)
  })

  it('refuses on the standby with 423, the reasons and the way to the active', async () => {
    await web().setStatus(pairedStatus())
    const answer = await addExtension().expect(423)
    const { error } = answer.body as { error: Record<string, unknown> }
    assert.equal(error['code'], 'HS_CONFIG_LOCKED')
    assert.match(String(error['message']), /this server is standby/)
    assert.match(String(error['activeUrl']), /^http:\/\/192\.0\.2\.10:\d+\/$/)
  })

  it('tells the agent who was refused and where', async () => {
    await web().setStatus(pairedStatus())
    await addExtension().expect(423)
    await waitUntil('the refusal is told', () =>
      web().agent.calls.some((call) => call.name === 'recordRefusal'),
    )
    const refusal = web().agent.calls.find((call) => call.name === 'recordRefusal')
    assert.deepEqual(refusal?.input, { path: '/api/extensions', user: 'telephony service' })
  })

  it('shows a page to a browser, and reading goes on', async () => {
    await web().setStatus(pairedStatus())
    const admin = await web().logIn('admin')
    const form = await admin.get('/pbx/extensions/new').expect(200)
    const answer = await admin
      .post('/pbx/extensions/new')
      .set('accept', 'text/html')
      .type('form')
      .send({ _csrf: hidden(form.text, '_csrf'), number: '2999', name: 'X' })
      .expect(423)
    assert.match(answer.text, /Nothing was saved: configuration is locked on this server/)
    assert.match(answer.text, /href="http:\/\/192\.0\.2\.10:\d+\/"/)
  })

  it('stays locked when the agent of a paired server does not answer, also of the active', async () => {
    await web().setStatus(activeStatus())
    await addExtension().expect(201)
    await web().agent.stop()
    try {
      const answer = await addExtension().expect(423)
      assert.match(answer.text, /agent does not answer/)
    } finally {
      await web().agent.start()
    }
  })

  it('opens again when the agent answers again', async () => {
    await web().setStatus(activeStatus())
    await addExtension().expect(201)
  })

  it('shows the refusal of the database as a page when a route was not behind the lock', async () => {
    await web().setStatus(activeStatus())
    const client = new pg.Client({ connectionString: web().databaseUrl })
    await client.connect()
    try {
      // What the write lock of the database raises, in the smallest form.
      await client.query(`
        create function refuse() returns trigger language plpgsql as $$ begin
          raise exception 'writes are refused' using errcode = 'HS423', hint = 'Write on pbx-1.';
        end $$;
        create trigger refuse before update on users execute function refuse()`)
      const admin = await web().logIn('admin')
      const page = await admin.get('/account/password').expect(200)
      const answer = await admin
        .post('/account/password')
        .type('form')
        .send({
          _csrf: hidden(page.text, '_csrf'),
          current: PASSWORD,
          password: 'another password',
          again: 'another password',
        })
      assert.equal(answer.status, 423)
      assert.match(answer.text, /Configuration is locked on this server/)
      assert.match(answer.text, /Write on pbx-1\./)
    } finally {
      await client.query('drop function refuse() cascade')
      await client.end()
    }
  })

  it('applies our migrations through the platform’s knex, once', async () => {
    const { migrations } = web().platform.hotStandby
    const applied = await migrations.latest()
    assert.equal(applied[0], '0001_journal')
    assert.deepEqual(await migrations.latest(), [])
  })

  it('keeps back the answer to a change until it is confirmed, and says so in a header', async () => {
    const { hotStandby } = web().platform
    await web().setStatus(activeStatus())
    const app = express()
    app.use(hotStandby.confirmSaves({ timeoutMs: 100 }))
    app.all('/save', (_request, response) => response.json({ saved: true }))
    app.all('/refused', (_request, response) => response.status(400).end())
    const answers = async (): Promise<unknown[]> => [
      (await supertest(app).post('/save')).headers['x-hot-standby-confirmed'],
      (await supertest(app).get('/save')).headers['x-hot-standby-confirmed'],
      (await supertest(app).post('/refused')).headers['x-hot-standby-confirmed'],
    ]
    assert.deepEqual(await answers(), ['yes', undefined, undefined])
    await web().agent.stop()
    try {
      assert.deepEqual(await answers(), ['no', undefined, undefined])
      const { headers } = await supertest(app).post('/save')
      assert.match(headers['x-hot-standby-unconfirmed-because'] ?? '', /agent/)
    } finally {
      await web().agent.start()
    }
  })

  it('keeps answers back as long as the settings of the pair say, where the platform gives no time', async () => {
    const { hotStandby } = web().platform
    const app = express()
    app.use(hotStandby.confirmSaves())
    app.all('/save', (_request, response) => response.json({ saved: true }))
    const base = activeStatus()
    for (const [confirmSavesMs, header] of [
      [undefined, undefined],
      [null, undefined],
      [1500, 'yes'],
    ] as const) {
      const pair = {
        ...base.settings.pair!,
        ...(confirmSavesMs === undefined ? {} : { confirmSavesMs }),
      }
      web().agent.forget()
      await web().setStatus({ ...base, settings: { ...base.settings, pair } })
      const { headers } = await supertest(app).post('/save').expect(200)
      assert.equal(headers['x-hot-standby-confirmed'], header)
      const waits = web().agent.calls.filter(({ name }) => name === 'wait')
      const wanted = header === undefined ? [] : [confirmSavesMs]
      assert.deepEqual(
        waits.map(({ input }) => (input as { timeoutMs: number }).timeoutMs),
        wanted,
      )
    }
  })

  it('confirms what the agent confirms, and says no when it cannot', async () => {
    const { hotStandby } = web().platform
    assert.equal(await hotStandby.confirmed({ timeoutMs: 100 }), true)
    const yes = { confirmed: true, reason: null }
    assert.deepEqual(await hotStandby.confirmation({ timeoutMs: 100 }), yes)
    await web().agent.stop()
    try {
      assert.equal(await hotStandby.confirmed({ timeoutMs: 100 }), false)
      const { confirmed, reason } = await hotStandby.confirmation({ timeoutMs: 100 })
      assert.equal(confirmed, false)
      assert.match(reason ?? '', /agent/)
    } finally {
      await web().agent.start()
    }
  })
})
