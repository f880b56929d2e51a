import assert from 'node:assert/strict'
import supertest from 'supertest'
import type { OperationStatus } from '../../plugin/api/status-document.ts'
import { HotStandbyError } from '../../plugin/errors.ts'
import { BASE, PAGES, TEMPLATE, TIMES, useRoleClients } from '../support/plugin-routes.ts'
import { unsentChange } from '../support/unsent-change.ts'
import { API_TOKEN, hidden, useWebPlatform } from '../support/web-platform.ts'
import { activeStatus, historyEntry, pairedStatus } from '../support/web-status.ts'

describe('the routes of the plugin', function () {
  this.timeout(60_000)
  const web = useWebPlatform()
  const { client, send } = useRoleClients(web)
  beforeEach(async () => {
    web().agent.forget()
    await web().setStatus(pairedStatus())
  })

  const savedNotifications = (): unknown => {
    const saved = web().agent.calls.find((call) => call.name === 'saveSettings')
    const { pair } = (saved?.input ?? {}) as { readonly pair?: { readonly notifications: unknown } }
    return pair?.notifications ?? null
  }

  for (const page of PAGES)
    it(`shows /${page} in German to whoever chose it, without a word of English`, async () => {
      web().agent.setStatus(germanStatus())
      const meaning = 'As far as this server knows, nothing is lost.'
      const loss = { ageMs: 0, rows: 0, isExact: true, meaning, blockers: [] }
      web().agent.on('previewLoss', () => Promise.resolve(loss))
      web().agent.on('events', () => Promise.resolve({ events: [historyEntry(1)] }))
      const answer = await supertest(web().url)
        .get(`${BASE}/${page}`)
        .set('cookie', 'pbx_locale=de')
        .set('authorization', `Bearer ${API_TOKEN}`)
        .expect(200)
      const ours = /<div class="hs [\s\S]*?<\/main>/.exec(answer.text)?.[0] ?? ''
      assert.match(ours, /lang="de"/)
      assert.deepEqual(ours.match(/<span lang="en">[^<]*/g) ?? [], [])
      const text = ours.replace(/<textarea[\s\S]*?<\/textarea>|<[^>]*>/g, ' ')
      // Words of English that German does not have.
      const english = text.match(/[^.]*\b(the|and|is|are|this|not|nothing|what|of)\b[^.]*/g) ?? []
      assert.deepEqual(english, [])
    })

  it('marks what the agent says only in English as English', async () => {
    const status = pairedStatus()
    const said = 'relation "x" does not exist'
    web().agent.setStatus({ ...status, replication: { ...status.replication, reason: said } })
    const german = await supertest(web().url)
      .get(`${BASE}/`)
      .set('cookie', 'pbx_locale=de')
      .set('authorization', `Bearer ${API_TOKEN}`)
    assert.match(german.text, /<span lang="en">relation &quot;x&quot; does not exist<\/span>/)
  })

  it('refuses a change that the browser says comes from another site', async () => {
    const answer = await send('admin', 'api/check', {}).set('sec-fetch-site', 'cross-site')
    assert.equal(answer.status, 403)
  })

  it('takes over by a form alone, then shows the steps', async () => {
    const page = await client('operator').get(`${BASE}/take-over`).expect(200)
    const answer = await client('operator')
      .post(`${BASE}/take-over`)
      .type('form')
      .send({ _hs_csrf: hidden(page.text, '_hs_csrf'), confirm: 'yes' })
    assert.equal(answer.status, 303)
    assert.equal(answer.headers['location'], `${BASE}/take-over?done=takeOver`)
    assert.deepEqual(web().agent.calls.find((call) => call.name === 'takeOver')?.input, {
      force: false,
      wait: false,
    })
  })

  it('takes over by force only when the host name was typed', async () => {
    const wrong = await send('operator', 'take-over', { force: 'yes', hostName: 'pbx-1' })
    assert.equal(wrong.status, 400)
    assert.match(wrong.text, /is not the host name of this server/)
    assert.equal(
      web().agent.calls.some((call) => call.name === 'takeOver'),
      false,
    )
    await send('operator', 'take-over', { force: 'yes', hostName: 'pbx-2' }).expect(303)
  })

  it('hands over from the active server, at once or when no call is active', async () => {
    web().agent.setStatus(activeStatus())
    const page = await client('operator').get(`${BASE}/take-over`).expect(200)
    assert.match(page.text, /Make pbx-2 active/)
    assert.match(page.text, /pbx-1 lets go of 192\.0\.2\.10 and becomes standby/)
    assert.doesNotMatch(page.text, /Take over by force/)
    await send('operator', 'take-over', { confirm: 'yes', when: 'now' }).expect(303)
    const idle = { confirm: 'yes', when: 'idle', withinMinutes: '90' }
    await send('operator', 'take-over', idle).expect(303)
    const asked = web().agent.calls.filter((call) => call.name === 'switchOver')
    assert.deepEqual(
      asked.map((call) => call.input),
      [
        { whenIdle: false, wait: false },
        { whenIdle: true, withinMs: 5_400_000, wait: false },
      ],
    )
  })

  for (const [minutes, problem] of [
    ['soon', 'is not a number of minutes'],
    ['0', 'is too short'],
    ['1441', 'is too long'],
  ] as const)
    it(`refuses to wait for ${minutes} minutes, beside the field`, async () => {
      const sent = { confirm: 'yes', when: 'idle', withinMinutes: minutes }
      const answer = await send('operator', 'take-over', sent).expect(400)
      assert.match(
        answer.text,
        new RegExp(`name="withinMinutes" value="${minutes}"[^>]*aria-invalid`),
      )
      assert.match(answer.text, new RegExp(`id="hs-withinMinutes-problem">This ${problem}`))
      assert.match(answer.text, /name="when" value="idle" checked/)
    })

  it('offers to call off a switchover that only waits, and no other', async () => {
    const operation: OperationStatus = {
      ...({ id: '1', kind: 'switchover', outcome: 'running' } as const),
      ...{ finishedAt: null, reason: null },
      startedAt: '2026-03-01T10:00:00.000Z',
      steps: [{ at: '2026-03-01T10:00:00.000Z', text: 'waits for 2 calls to end' }],
    }
    for (const waits of [true, false]) {
      web().agent.setStatus(activeStatus({ operation: { ...operation, waits } }))
      const page = await client('operator').get(`${BASE}/take-over`).expect(200)
      assert.match(page.text, /waits for 2 calls to end/)
      assert.equal(page.text.includes('Call it off'), waits)
      assert.doesNotMatch(page.text, /id="hs-confirm"/)
    }
  })

  it('says what a take-over by force would lose, in the words of the agent', async () => {
    const page = await client('operator').get(`${BASE}/take-over`).expect(200)
    assert.match(page.text, /Changes made on the active server for 4 s are not on this one\./)
  })

  it('shows the value of the loser beside that of the winner, and settles each or all', async () => {
    web().agent.setStatus(activeStatus({ unsentChanges: 2 }))
    const changes = [unsentChange(), unsentChange({ id: 'p2' })]
    web().agent.on('unsent', () => Promise.resolve({ changes }))
    web().agent.on('settleUnsent', () =>
      Promise.resolve({
        done: ['p1'],
        conflicts: [{ id: 'p2', reason: 'the row was changed here, too' }],
      }),
    )
    const status = await client('viewer').get(`${BASE}/`).expect(200)
    assert.match(status.text, /2 changes had not reached the other server/)
    const page = await client('operator').get(`${BASE}/unsent`).expect(200)
    assert.match(page.text, /<strong>&lt;Ann&gt;<\/strong><\/td><td>Bob<\/td>/)
    const some = await send('operator', 'unsent', { action: 'reapply', id: ['p1', 'p2'] })
    assert.match(some.text, /1 change was settled/)
    assert.match(some.text, /the row was changed here, too/)
    await send('operator', 'unsent', { action: 'reapply', id: 'p1' }).expect(200)
    await send('operator', 'unsent', { action: 'reapplyAll' }).expect(200)
    await send('operator', 'unsent', { action: 'discard', id: 'p2', confirm: 'yes' }).expect(200)
    const asked = web().agent.calls.filter((call) => call.name === 'settleUnsent')
    assert.deepEqual(
      asked.map((call) => call.input),
      [
        { how: 'reapply', ids: ['p1', 'p2'] },
        { how: 'reapply', ids: ['p1'] },
        { how: 'reapply', all: true },
        { how: 'discard', ids: ['p2'] },
      ],
    )
  })

  it('discards only what was confirmed, and applies only what was chosen', async () => {
    const unsure = await send('operator', 'unsent', { action: 'discardAll' }).expect(400)
    assert.match(unsure.text, /This form|is not ticked|The request is not valid/)
    const nothing = await send('operator', 'unsent', { action: 'reapply' }).expect(400)
    assert.match(nothing.text, /The request is not valid/)
    assert.deepEqual(
      web().agent.calls.filter((call) => call.name === 'settleUnsent'),
      [],
    )
  })

  it('begins maintenance for the time that was chosen or until it is ended, and ends it', async () => {
    const sent = { durationMs: '7200000', pauseSynchronisation: 'on' }
    await send('operator', 'maintenance', sent).expect(303)
    await send('operator', 'maintenance/end', {}).expect(303)
    await send('operator', 'maintenance', { durationMs: 'untilEnded' }).expect(303)
    const asked = web().agent.calls.filter((call) => call.name === 'setMaintenance')
    assert.deepEqual(
      asked.map((call) => call.input),
      [
        { on: true, durationMs: 7_200_000, pauseSynchronisation: true },
        { on: false },
        { on: true, untilEnded: true, pauseSynchronisation: false },
      ],
    )
  })

  for (const durationMs of ['', 'x', '60000', '100000000'])
    it(`refuses maintenance for "${durationMs}" ms beside the field`, async () => {
      const answer = await send('operator', 'maintenance', { durationMs }).expect(400)
      assert.match(
        answer.text,
        /id="hs-duration-problem">This is (not a duration|too short|too long)/,
      )
    })

  it('shows on every page of the platform how long maintenance lasts', async () => {
    const maintenance = {
      ...{ until: '2026-03-01T11:05:00.000Z', remainingMs: 3_900_000 },
      synchronisation: 'paused',
    } as const
    await web().setStatus(pairedStatus({ maintenance }))
    const banner = /Maintenance mode for another 1 h 5 min\./
    assert.match((await client('viewer').get('/calls').expect(200)).text, banner)
    const page = await client('viewer').get(`${BASE}/maintenance`).expect(200)
    assert.match(page.text, /Synchronisation is paused/)
    assert.doesNotMatch(page.text, /End maintenance now/, 'a viewer may not end it')
    const operator = await client('operator').get(`${BASE}/maintenance`).expect(200)
    assert.match(operator.text, /End maintenance now/)
  })

  for (const state of ['off', 'held'] as const)
    it(`shows that automatic take-over is ${state}, and switches it on again`, async () => {
      const automaticTakeOver = { state, changesLastHour: 7, changesPerHour: 6 }
      await web().setStatus(pairedStatus({ automaticTakeOver }))
      const other = await client('viewer').get('/calls').expect(200)
      assert.match(other.text, new RegExp(`Automatic take-over is ${state}\\.`))
      const page = await client('operator').get(`${BASE}/maintenance`).expect(200)
      assert.match(page.text, /name="on" value="yes">Switch automatic take-over on/)
      assert.match(page.text, /changed by itself 7 times in the last hour; 6 times are allowed/)
      await send('operator', 'maintenance/automatic', { on: 'yes' }).expect(303)
      const asked = web().agent.calls.find((call) => call.name === 'setAutomatic')
      assert.deepEqual(asked?.input, { on: true })
    })

  it('names the blocker on the page when the agent refuses', async () => {
    web().agent.on('takeOver', () => {
      throw new HotStandbyError('HS_TAKE_OVER_REFUSED', { reason: 'the standby is not in sync' })
    })
    const answer = await send('operator', 'take-over', { confirm: 'yes' })
    assert.equal(answer.status, 409)
    assert.match(answer.text, /The take-over was refused: the standby is not in sync/)
  })

  for (const [path, body, text] of [
    ['take-over', {}, 'This is not ticked'],
    ['synchronisation/resynchronise', { typed: 'yes' }, 'This is not resynchronise'],
    ['set-up/disable', { typed: '' }, 'This is not disable'],
  ] as const)
    it(`says beside the field what is wrong: /${path}`, async () => {
      const answer = await send('admin', path, body)
      assert.equal(answer.status, 400)
      assert.ok(answer.text.includes(text), answer.text)
      assert.match(answer.text, /aria-invalid="true"/)
    })

  it('saves which events are told, and keeps the rest of the settings', async () => {
    const sent = { ...TIMES, 'kind.peerLost': 'warning', 'kind.peerBack': 'off', 'kind.paired': '' }
    await send('admin', 'notifications/events', sent).expect(303)
    assert.deepEqual(savedNotifications(), {
      kinds: { peerLost: 'warning', peerBack: 'off' },
      templates: {},
      notProtectedAfterMinutes: '5',
      behindAfterSeconds: '60',
    })
  })

  it('refuses a time beside its field, and keeps what was chosen', async () => {
    const sent = { ...TIMES, notProtectedAfterMinutes: 'soon', 'kind.peerLost': 'off' }
    const answer = await send('admin', 'notifications/events', sent).expect(422)
    assert.match(answer.text, /value="soon"[^>]*aria-invalid="true"/)
    assert.match(answer.text, /is not a number of minutes/)
    assert.match(answer.text, /name="kind.peerLost">.*?<option value="off" selected>/s)
  })

  it('previews a template with sample values, and saves nothing', async () => {
    const sent = { ...TEMPLATE, action: 'preview', html: '<b>{{reason}}</b>' }
    const answer = await send('admin', 'notifications/template', sent).expect(200)
    assert.match(answer.text, /<strong>Failover done<\/strong>/)
    assert.match(answer.text, /&lt;b&gt;no heartbeat for 5000 ms&lt;\/b&gt;/)
    assert.equal(savedNotifications(), null)
  })

  for (const action of ['preview', 'save'])
    it(`refuses a template with an unknown variable beside its part: ${action}`, async () => {
      const sent = { ...TEMPLATE, action, text: '{{password}}' }
      const answer = await send('admin', 'notifications/template', sent).expect(422)
      assert.match(answer.text, /id="hs-text-problem">This has an unknown variable: password/)
      assert.match(answer.text, />\{\{password\}\}<\/textarea>/)
    })

  it('restores the usual template', async () => {
    const base = activeStatus()
    const { pair } = base.settings
    const changed = { subject: 'changed by somebody', text: '', html: '' }
    const notifications = {
      ...{ kinds: {}, notProtectedAfterMinutes: 5, behindAfterSeconds: 60 },
      templates: { peerLost: changed, default: changed },
    }
    const settings = { ...base.settings, pair: { ...pair!, notifications } }
    web().agent.setStatus({ ...base, settings })
    const page = await client('admin').get(`${BASE}/notifications?template=peerLost`).expect(200)
    assert.match(page.text, /value="changed by somebody"/)
    const sent = { ...TEMPLATE, template: 'peerLost', action: 'restore' }
    await send('admin', 'notifications/template', sent).expect(303)
    assert.deepEqual(savedNotifications(), { ...notifications, templates: { default: changed } })
  })

  it('sends a test through one channel when one was chosen', async () => {
    await send('operator', 'notifications/test', { email: '', channel: 'webhook' }).expect(303)
    await send('operator', 'notifications/test', { email: '', channel: 'pigeon' }).expect(303)
    const asked = web().agent.calls.filter((call) => call.name === 'notifyTest')
    assert.deepEqual(
      asked.map((call) => call.input),
      [{ channel: 'webhook' }, {}],
    )
  })

  it('shows an access code once and keeps it out of every cache', async () => {
    const base = activeStatus()
    web().agent.setStatus({ ...base, setUp: 'waitingForPeer', peer: null })
    const answer = await send('admin', 'set-up/access-code', {}).expect(200)
    assert.match(answer.text, /HS1-4F7K-9QXM-2TRD/)
    assert.equal(answer.headers['cache-control'], 'no-store')
    const again = await client('admin').get(`${BASE}/set-up`).expect(200)
    assert.doesNotMatch(again.text, /HS1-4F7K-9QXM-2TRD/)
  })

  it('escapes hostile values from wherever they come', async () => {
    const hostile = `"><img src=x onerror="alert(1)">'{{{`
    const base = pairedStatus()
    web().agent.setStatus({
      ...base,
      health: { word: 'degraded', meaning: hostile, action: hostile },
      server: {
        ...base.server,
        reason: hostile,
        facts: { ...base.server.facts!, hostName: hostile },
      },
      blockers: [{ id: hostile, reason: hostile, remedy: hostile }],
      configLock: { locked: true, reasons: [hostile], activeAddress: hostile },
      settings: { ...base.settings, server: { ...base.settings.server!, hostName: hostile } },
      replication: {
        ...base.replication,
        reason: hostile,
        tables: [{ ...base.replication.tables[0]!, name: hostile, reason: hostile }],
      },
    })
    web().agent.on('events', () =>
      Promise.resolve({
        events: [
          historyEntry(1, { reason: hostile, title: hostile, data: { [hostile]: hostile } }),
        ],
      }),
    )
    web().agent.on('notifications', () =>
      Promise.resolve({
        deliveries: [
          {
            id: '1',
            channel: 'mail',
            kind: hostile,
            level: 'alert',
            at: hostile,
            to: hostile,
            subject: hostile,
            state: 'failed',
            attempts: 1,
            lastError: hostile,
          },
        ],
      }),
    )
    for (const page of [...PAGES, `history?level=${encodeURIComponent(hostile)}`]) {
      const answer = await client('admin').get(`${BASE}/${page}`).expect(200)
      assert.doesNotMatch(answer.text, /<img/)
    }
    const wrong = await send('admin', 'set-up', { 'server.hostName': hostile }).expect(422)
    assert.doesNotMatch(wrong.text, /<img/)
  })

  it('exports the history so that no spreadsheet runs a formula', async () => {
    web().agent.on('events', () =>
      Promise.resolve({ events: [historyEntry(1, { reason: '=1+1 "x"', actor: '@cmd' })] }),
    )
    const csv = await client('viewer').get(`${BASE}/history.csv?level=alert`).expect(200)
    assert.match(csv.text, /"'=1\+1 ""x""".*"'@cmd"\r\n$/s)
    const query = web().agent.calls.find((call) => call.name === 'events')?.input
    assert.deepEqual(query, { level: 'alert', limit: 10_000 })
    const json = await client('viewer').get(`${BASE}/history.json`).expect(200)
    assert.equal((json.body as unknown[]).length, 1)
  })

  it('filters the history by everything, and takes times as the zone of the page shows them', async () => {
    web().agent.on('events', () => Promise.resolve({ events: [] }))
    const address = `${BASE}/history?level=alert&kind=peerLost&server=pbx-1&by=ann&since=2026-03-01T09:00&until=2026-03-02T00:00:01&before=77&limit=500`
    const page = await client('viewer').get(address).expect(200)
    const asked = web().agent.calls.find((call) => call.name === 'events')?.input
    assert.deepEqual(asked, {
      ...{ level: 'alert', kind: 'peerLost', server: 'pbx-1', by: 'ann', before: 77, limit: 501 },
      ...{ since: '2026-03-01T09:00:00.000Z', until: '2026-03-02T00:00:01.000Z' },
    })
    assert.match(page.text, /name="since" value="2026-03-01T09:00:00" type="datetime-local"/)
    assert.match(page.text, /Nothing matches the filter/)
  })

  for (const [name, value] of [
    ['since', 'yesterday'],
    ['until', '2026-02-30T10:00'],
  ] as const)
    it(`says beside the field that ${name} ${value} is not a time`, async () => {
      const page = await client('viewer').get(`${BASE}/history?${name}=${value}`).expect(400)
      assert.match(page.text, new RegExp(`value="${value}" aria-invalid="true"`))
      assert.match(page.text, /This is not a time/)
      const file = await client('viewer').get(`${BASE}/history.csv?${name}=${value}`).expect(400)
      assert.match(file.text, /HS_REQUEST_INVALID/)
    })

  it('leads to the older page when there is one, and back', async () => {
    const events = Array.from({ length: 101 }, (_, index) => historyEntry(500 - index))
    web().agent.on('events', () => Promise.resolve({ events }))
    const page = await client('viewer').get(`${BASE}/history?level=alert`).expect(200)
    assert.match(
      page.text,
      /rel="next" href="[^"]*level&#x3D;alert&amp;before&#x3D;401&amp;limit&#x3D;100"/,
    )
    assert.doesNotMatch(page.text, /hs-event-400"/)
    web().agent.on('events', () => Promise.resolve({ events: events.slice(0, 100) }))
    const last = await client('viewer').get(`${BASE}/history?before=401`).expect(200)
    assert.doesNotMatch(last.text, /rel="next"/)
    assert.match(last.text, /Back to the newest/)
  })

  it('searches, sorts and pages the tables without a script', async () => {
    const base = pairedStatus()
    const tables = Array.from({ length: 250 }, (_, index) => ({
      ...base.replication.tables[0]!,
      name: `public.t${String(index).padStart(3, '0')}`,
      rows: (index * 7) % 250,
      ...(index === 200 ? { state: 'quarantined' as const, reason: 'a column is missing' } : {}),
    }))
    web().agent.setStatus({ ...base, replication: { ...base.replication, tables } })
    const names = async (query: string): Promise<string[]> => {
      const page = await client('viewer').get(`${BASE}/synchronisation?${query}`).expect(200)
      const part = /data-hs-live="tables"[\s\S]*?<\/section>/.exec(page.text)?.[0] ?? ''
      return [...part.matchAll(/<code>public\.(t\d+)<\/code>/g)].map((match) => match[1] ?? '')
    }
    assert.deepEqual((await names('')).slice(0, 3), ['t200', 't000', 't001'])
    assert.equal((await names('')).length, 100)
    assert.equal((await names('page=3')).length, 50)
    assert.equal((await names('page=99')).length, 50)
    assert.deepEqual(await names('search=T20'), [
      't200',
      't201',
      't202',
      't203',
      't204',
      't205',
      't206',
      't207',
      't208',
      't209',
    ])
    assert.deepEqual(await names('search=missing'), ['t200'])
    assert.equal((await names('sort=name&order=descending'))[0], 't249')
    assert.equal((await names('sort=rows&order=descending'))[0], 't107')
    assert.equal((await names('sort=__proto__&page=-1'))[0], 't200')
  })

  it('shows the last rehearsal step by step, and on the status page how long ago it was', async () => {
    web().agent.setStatus(pairedStatus())
    const page = await client('viewer').get(`${BASE}/take-over`).expect(200)
    const report = page.text.slice(page.text.indexOf('data-hs-live="drill"'))
    assert.match(report, /hs-bad">would not work</)
    for (const { title, remedy } of pairedStatus().lastDrill!.steps)
      for (const text of [title, ...(remedy === null ? [] : [remedy])])
        assert.ok(report.includes(text), text)
    const status = await client('viewer').get(`${BASE}/`).expect(200)
    assert.match(status.text, /hs-bad">would not work<\/span> Rehearsed on pbx-2 \d+ /)
    web().agent.setStatus({ ...pairedStatus(), lastDrill: null })
    const never = await client('viewer').get(`${BASE}/`).expect(200)
    assert.match(never.text, /A take-over was never rehearsed/)
  })

  it('shows rows that a check found different side by side, with what differs marked', async () => {
    web().agent.setStatus(pairedStatus())
    const { text } = await client('viewer').get(`${BASE}/synchronisation`).expect(200)
    const rows = text.slice(text.indexOf('<details id="hs-rows-0">'))
    assert.match(rows, /The first 2 rows of public\.extensions, side by side/)
    assert.match(rows, /<code>\(17,<mark>Ann<\/mark>,101\)<\/code>/)
    assert.match(rows, /<code>\(17,<mark>&lt;b&gt;Anna<\/mark>,101\)<\/code>/)
    assert.match(rows, /<code>\(18,Bob,102\)<\/code><\/td><td>no row/)
  })

  it('leads from the standby to the active server, on the same port', async () => {
    const answer = await client('viewer').get(`${BASE}/active`).expect(302)
    const port = new URL(web().url).port
    assert.equal(answer.headers['location'], `http://192.0.2.10:${port}/`)
  })

  it('answers an unknown path and an unreadable body with an error of its own', async () => {
    const page = await client('viewer').get(`${BASE}/nowhere`).expect(404)
    assert.match(page.text, /There is nothing at this address/)
    const api = await client('admin')
      .post(`${BASE}/api/check`)
      .set('content-type', 'application/json')
      .send('{')
    assert.equal(api.status, 400)
    assert.equal((api.body as { error: { code: string } }).error.code, 'HS_REQUEST_INVALID')
  })

  it('passes on what the agent says is wrong with a request', async () => {
    const answer = await send('admin', 'api/check', { repair: 'perhaps' })
    assert.equal(answer.status, 400)
    assert.match(answer.text, /is not true or false/)
  })

  it('relays status and history as server-sent events, and says when the agent goes', async () => {
    const stop = new AbortController()
    const headers = { authorization: `Bearer ${API_TOKEN}` }
    const answer = await fetch(`${web().url}${BASE}/stream`, { headers, signal: stop.signal })
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let response = ''
    const readUntil = async (text: string): Promise<void> => {
      while (!response.includes(text)) response += (await reader.read()).value ?? ''
    }
    try {
      await readUntil('event: status')
      // What happens before the platform has reached the agent's stream is not told, so it is repeated.
      const repeat = setInterval(() => web().agent.tell(historyEntry(7)), 50)
      await readUntil('"id":7').finally(() => clearInterval(repeat))
      await web().agent.stop()
      await readUntil('event: unreachable')
    } finally {
      stop.abort()
      await web().agent.start()
    }
    assert.match(response, /event: status\ndata: \{"at":/)
    assert.match(response, /event: history\ndata: \{"id":7/)
  })
})

/** A status whose sentences are those that the agent says, not those of a test. */
function germanStatus() {
  const status = pairedStatus()
  const { requirements, replication } = status
  return pairedStatus({
    health: {
      word: 'healthy',
      meaning: 'Both servers are in sync; when the active fails, the standby takes over.',
      action: 'Nothing to do.',
    },
    requirements: requirements.map((each) => ({ ...each, own: '1', peer: '2', remedy: '' })),
    replication: {
      ...replication,
      reason: 'changes are applied as they come',
      tables: replication.tables.map((table) => ({ ...table, reason: null })),
      notReplicated: [],
    },
    configLock: {
      ...status.configLock,
      reasons: ['This server is standby: it gets its configuration from the active server.'],
    },
  })
}
