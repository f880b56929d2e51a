import assert from 'node:assert/strict'
import express from 'express'
import supertest from 'supertest'
import type { StatusDocument } from '../../plugin/api/status-document.ts'
import { createHotStandby } from '../../plugin/create-hot-standby.ts'
import { type ScriptedAgent, startScriptedAgent } from '../support/scripted-agent.ts'
import { activeStatus, historyEntry, newStatus, pairedStatus } from '../support/web-status.ts'

/** The plugin's routes alone, on a platform that asks for no log-in. */
describe('the routes for machines', () => {
  let agent: ScriptedAgent
  const appOf = (options: object = {}) => {
    const plugin = createHotStandby({ socketPath: agent.socketPath, ...options })
    const app = express()
    app.use('/health', plugin.health)
    app.use('/system/hot-standby', plugin.router)
    return supertest(app)
  }
  const lagging = (ageMs: number | null, inSync = true): StatusDocument => {
    const base = pairedStatus()
    const lag = ageMs === null ? null : { ageMs, rows: 1, bytes: 1 }
    return { ...base, replication: { ...base.replication, inSync, lag } }
  }
  const blocked = { ...pairedStatus(), blockers: [{ id: 'x', reason: 'secret', remedy: '' }] }
  const locked = {
    ...activeStatus(),
    configLock: { locked: true, reasons: ['steps down'], activeAddress: null },
  }

  before(async () => {
    agent = await startScriptedAgent()
  })
  after(() => agent.close())

  const cases: readonly (readonly [string, StatusDocument, string, number])[] = [
    ['the active server', activeStatus(), '/health/active', 200],
    ['the active server', activeStatus(), '/health/standby', 503],
    ['an active that does not hold the address', locked, '/health/active', 503],
    ['a server without a pair', newStatus(), '/health/active', 200],
    ['a server without a pair', newStatus(), '/health/standby', 503],
    ['a standby', pairedStatus(), '/health/active', 503],
    ['a standby in sync', lagging(0), '/health/standby', 200],
    ['a standby that is not in sync', lagging(0, false), '/health/standby', 503],
    ['a standby a little behind', lagging(4000, false), '/health/standby?maxLag=5s', 200],
    ['a standby behind', lagging(6000), '/health/standby?maxLag=5s', 503],
    ['a standby behind', lagging(600), '/health/standby?maxLag=500ms', 503],
    ['a standby behind', lagging(600), '/health/standby?maxLag=601', 200],
    ['a standby with an unknown lag', lagging(null), '/health/standby?maxLag=5s', 503],
    ['a standby that is blocked', blocked, '/health/standby', 503],
    ['anybody', pairedStatus(), '/health/live', 200],
    ['a wrong limit', pairedStatus(), '/health/standby?maxLag=soon', 400],
    ['a wrong limit', pairedStatus(), '/health/standby?maxLag=-1', 400],
    ['two limits', pairedStatus(), '/health/standby?maxLag=1&maxLag=2', 400],
    ['what there is not', pairedStatus(), '/health/nothing', 404],
  ]
  for (const [who, status, path, expected] of cases)
    it(`answers ${expected} to ${path} of ${who}, without a session`, async () => {
      agent.setStatus(status)
      const app = appOf()
      const answer = await app.get(path)
      assert.equal(answer.status, expected, answer.text)
      assert.equal((await app.get(`/system/hot-standby${path}`)).status, expected)
      assert.equal(answer.headers['set-cookie'], undefined)
      assert.doesNotMatch(answer.text, /secret|192\.0\.2|pbx-|SN-/)
      if (expected === 503) assert.equal(typeof (answer.body as { why: unknown }).why, 'string')
    })

  it('knows nothing while the agent is away, but lives', async () => {
    await agent.stop()
    try {
      await appOf()
        .get('/health/active')
        .expect(503, /agent does not answer/)
      await appOf().get('/health/standby').expect(503)
      await appOf().get('/health/live').expect(200)
    } finally {
      await agent.start()
    }
  })

  it('asks the platform, or is not there, when the option says so', async () => {
    agent.setStatus(activeStatus())
    for (const [authorize, expected] of [
      [() => true, 200],
      [() => false, 403],
      [undefined, 403],
      [() => Promise.reject(new Error('no session store')), 503],
    ] as const) {
      const app = appOf({ health: 'authorize', ...(authorize === undefined ? {} : { authorize }) })
      await app.get('/health/active').expect(expected)
    }
    await appOf({ health: 'off' }).get('/health/active').expect(404)
    await appOf({ health: 'off' }).get('/system/hot-standby/health/active').expect(404)
    assert.throws(() => appOf({ health: 'yes' }), { code: 'HS_CONFIG_INVALID' })
  })

  it('gives the metrics only to who may see the pages', async () => {
    await appOf().get('/system/hot-standby/metrics').expect(403)
    const seen: unknown[] = []
    const authorize = (_: unknown, permission: unknown) => seen.push(permission) > 0
    const answer = await appOf({ authorize }).get('/system/hot-standby/metrics').expect(200)
    assert.deepEqual([answer.text, seen], ['up 1\n', ['view']])
    assert.match(answer.headers['content-type'] ?? '', /^text\/plain;.* version=0\.0\.4/)
  })

  it('tells the platform of each event once', async () => {
    const plugin = createHotStandby({ socketPath: agent.socketPath })
    const heard: string[] = []
    const told: string[] = []
    const ends = [
      plugin.onEvent(({ id, kind }) => heard.push(`${id} ${kind}`)),
      plugin.onNotification(({ subject, entry }) => told.push(`${entry.id} ${subject}`)),
    ]
    await plugin.start()
    const deadline = performance.now() + 10_000
    const until = async (fits: () => boolean): Promise<void> => {
      while (!fits() && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 10))
    }
    // The stream is open when the first one arrives.
    await until(() => {
      agent.tell(historyEntry(1, { kind: 'agentStarted' }))
      return heard.length > 0
    })
    agent.tell(historyEntry(2))
    agent.tell(historyEntry(2))
    await until(() => told.length > 0)
    ends.forEach((end) => end())
    await plugin.stop()
    assert.deepEqual(heard, ['1 agentStarted', '2 peerLost'])
    assert.deepEqual(told, ['2 [pbx-2] The peer does not answer'])
  })

  it("delivers the outbox's mails in the platform's way, and says what became of each", async () => {
    const waiting = ['one', 'two'].map((id) => ({
      ...{ id, to: 'a@example.test', subject: id, text: '', html: '' },
      ...({ kind: 'peerLost', level: 'alert', at: '' } as const),
    }))
    const settled: unknown[] = []
    agent.on('takeMail', () => Promise.resolve({ mail: waiting[0] ?? null }))
    agent.on('settleMail', (input) => {
      settled.push(input)
      waiting.shift()
      return Promise.resolve({ done: true })
    })
    const plugin = createHotStandby({ socketPath: agent.socketPath })
    const stop = plugin.sendMail(({ id }) => {
      if (id === 'one') throw new Error('the gateway is busy')
    })
    const deadline = performance.now() + 10_000
    while (settled.length < 2 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10))
    stop()
    await plugin.stop()
    assert.deepEqual(settled, [
      { id: 'one', error: 'the gateway is busy' },
      { id: 'two', error: null },
    ])
  })
})
