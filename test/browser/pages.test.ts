import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { BrowserContext, Page } from 'playwright-core'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { BASE, PAGES } from '../support/plugin-routes.ts'
import { PASSWORD, useWebPlatform } from '../support/web-platform.ts'
import type { ScriptedAgent } from '../support/scripted-agent.ts'
import { unsentChange } from '../support/unsent-change.ts'
import {
  activeStatus,
  busyStatus,
  historyEntry,
  newStatus,
  pairedStatus,
} from '../support/web-status.ts'

const WIDTHS = [360, 768, 1280, 1920] as const
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The part of axe's result that a test needs. */
interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

describe('the pages in a browser', function () {
  this.timeout(90_000)
  const web = useWebPlatform()
  let browser: TestBrowser
  before(async () => {
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
  })
  beforeEach(async () => {
    web().agent.forget()
    web().agent.on('events', () => Promise.resolve({ events: [historyEntry(1)] }))
    await web().setStatus(pairedStatus())
  })

  const logIn = async (options: Parameters<TestBrowser['browser']['newContext']>[0] = {}) => {
    const context = await browser.browser.newContext(options)
    const page = await context.newPage()
    await page.goto(`${web().url}/login`)
    await page.fill('#name', 'admin')
    await page.fill('#password', PASSWORD)
    await page.click('main button')
    return { context, page }
  }
  const withPage = async (
    options: Parameters<TestBrowser['browser']['newContext']>[0],
    work: (page: Page, context: BrowserContext) => Promise<void>,
  ) => {
    const { context, page } = await logIn(options)
    try {
      await work(page, context)
    } finally {
      await context.close()
    }
  }

  /** No part sticks out at any width, and axe finds nothing at a telephone's and at a desk's. */
  const look = async (page: Page, name: string): Promise<void> => {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 })
      const overflows = await page.evaluate(
        'document.documentElement.scrollWidth > document.documentElement.clientWidth',
      )
      assert.equal(overflows, false, `${name} is wider than ${width} pixels`)
      if (width !== 360 && width !== 1280) continue
      await page.evaluate(AXE)
      const result = await page.evaluate<AxeResult>('axe.run()')
      const found = result.violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])
      assert.deepEqual(found, [], `${name} at ${width} pixels`)
    }
  }

  // axe is put in from outside, which the pages' own policy would rightly refuse.
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [name, status] of [
      ['standby', pairedStatus()],
      ['active', activeStatus()],
      ['new', newStatus()],
      ['busy', busyStatus()],
    ] as const)
      it(`are accessible and fit ${WIDTHS.join(', ')} pixels: ${name}, ${colorScheme}`, () =>
        withPage({ colorScheme, bypassCSP: true }, async (page) => {
          await web().setStatus(status)
          fillLists(web().agent)
          for (const path of PAGES) {
            await page.goto(`${web().url}${BASE}/${path}`)
            await look(page, `/${path}`)
          }
        }))

  it('are accessible and fit without JavaScript, in German', () =>
    withPage({ bypassCSP: true }, async (page) => {
      // axe itself needs a browser that runs scripts, so only ours is kept away.
      await page.route('**/*.js', (route) => route.abort())
      await page.goto(`${web().url}/locale/de`)
      for (const path of [...PAGES, 'notifications?template=default']) {
        await page.goto(`${web().url}${BASE}/${path}`)
        assert.equal(await page.getAttribute('.hs', 'lang'), 'de')
        await look(page, `/${path}`)
      }
    }))

  it('are accessible when they refuse something, and when the agent is silent', () =>
    withPage({ bypassCSP: true }, async (page) => {
      await web().setStatus(activeStatus())
      await page.goto(`${web().url}${BASE}/set-up`)
      await page.fill('#hs-pair-deadTimeMs', '1000')
      await page.fill('#hs-server-hostName', 'not a host name')
      await page.locator('form[action$="/set-up"] button').click()
      await page.waitForSelector('#hs-pair-deadTimeMs-problem')
      await look(page, 'the set-up page with wrong fields')
      await page.goto(`${web().url}${BASE}/history?since=yesterday`)
      await look(page, 'the history with a wrong time')
      await web().agent.stop()
      try {
        await page.goto(`${web().url}${BASE}/`)
        await look(page, 'the page without an agent')
      } finally {
        await web().agent.start()
      }
    }))

  it('can be used with the keyboard alone: from the log-in to a take-over', () =>
    withPage({}, async (page) => {
      const focused = (): Promise<string> =>
        page.evaluate('(document.activeElement.textContent || document.activeElement.id).trim()')
      const tabTo = async (wanted: string): Promise<void> => {
        for (let presses = 0; presses < 60; presses++) {
          await page.keyboard.press('Tab')
          if ((await focused()) === wanted) return
        }
        assert.fail(`the Tab key never reached ${wanted}`)
      }
      await page.goto(`${web().url}${BASE}/`)
      await page.keyboard.press('Tab')
      assert.equal(await focused(), 'Skip to the content')
      await page.keyboard.press('Enter')
      await tabTo('Take-over')
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      assert.notEqual(outline, 'none', 'where the focus is must be seen')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/take-over')
      await tabTo('hs-confirm')
      await page.keyboard.press('Space')
      await tabTo('Take over')
      await page.keyboard.press('Enter')
      await page.waitForSelector('text=The take-over has begun')
    }))

  it('load under their own content security policy without a complaint', () =>
    withPage({}, async (page) => {
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(error.message))
      for (const path of PAGES) await page.goto(`${web().url}${BASE}/${path}`)
      assert.deepEqual(complaints, [])
    }))

  it('follow the agent without a reload, and keep what is being read open', () =>
    withPage({}, async (page) => {
      await page.goto(`${web().url}${BASE}/`)
      await page.waitForSelector('[data-hs-live-state]:not([hidden])')
      await page.click('#hs-lag-table summary')
      await page.evaluate('window.isSamePage = true')
      const base = pairedStatus()
      web().agent.setStatus({
        ...base,
        health: {
          word: 'degraded',
          meaning: 'Heartbeats come late.',
          action: 'Look at the network.',
        },
        replication: { ...base.replication, recentLagMs: [1, 2, 3] },
      })
      await page.waitForSelector('text=Heartbeats come late.')
      assert.equal(await page.evaluate('window.isSamePage'), true)
      assert.equal(await page.isVisible('#hs-lag-table table'), true)
    }))

  it('say that the agent does not answer, and recover by themselves', () =>
    withPage({}, async (page) => {
      await page.goto(`${web().url}${BASE}/`)
      await page.waitForSelector('[data-hs-live-state]:not([hidden])')
      await web().agent.stop()
      try {
        await page.waitForSelector('main >> text=The hot standby agent does not answer')
        assert.equal(await page.isVisible('text=192.0.2.10/24'), false)
      } finally {
        await web().agent.start()
      }
      await page.waitForSelector('text=192.0.2.10/24')
    }))

  it('add a new event to the history while it is open', () =>
    withPage({}, async (page) => {
      await page.goto(`${web().url}${BASE}/history`)
      await page.waitForSelector('[data-hs-live-state]:not([hidden])')
      const entries = [historyEntry(2, { reason: 'the second event' }), historyEntry(1)]
      web().agent.on('events', () => Promise.resolve({ events: entries }))
      web().agent.tell(entries[0]!)
      await page.waitForSelector('text=the second event')
    }))

  for (const javaScriptEnabled of [true, false])
    it(`take over ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, () =>
      withPage({ javaScriptEnabled }, async (page) => {
        await page.goto(`${web().url}${BASE}/take-over`)
        await page.check('#hs-confirm')
        await page.getByRole('button', { name: 'Take over', exact: true }).click()
        await page.waitForSelector('text=The take-over has begun')
        const asked = web().agent.calls.filter((call) => call.name === 'takeOver')
        assert.deepEqual(
          asked.map((call) => [call.actor, call.input]),
          [['admin', { force: false, wait: false }]],
        )
      }))

  it('let a standby be found by its title and banner on every page of the platform', () =>
    withPage({}, async (page) => {
      await page.goto(`${web().url}/pbx/extensions/`)
      assert.match(await page.title(), /^\[standby\] /)
      const link = page.getByRole('link', { name: 'Go to the active server' })
      assert.equal(await link.getAttribute('href'), `${BASE}/active`)
    }))

  it('set up a primary and show the code', () =>
    withPage({}, async (page) => {
      const base = activeStatus()
      await web().setStatus({ ...base, setUp: 'waitingForPeer', peer: null })
      await page.goto(`${web().url}${BASE}/set-up`)
      await page.fill('#hs-server-peerPort', '99999')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.waitForSelector('#hs-server-peerPort-problem')
      assert.equal(await page.inputValue('#hs-server-peerPort'), '99999')
      await page.getByRole('button', { name: 'Make an access code' }).click()
      await page.waitForSelector('text=HS1-4F7K-9QXM-2TRD')
    }))
})

/** One of each kind in every list that a page asks the agent for. */
function fillLists(agent: ScriptedAgent): void {
  const changes = [
    unsentChange(),
    unsentChange({ id: 'p2', kind: 'deleted', loser: null }),
    unsentChange({ id: 's3', winner: null, winnerChanged: null, isWinnerKnown: false }),
    unsentChange({ id: 's4', kind: 'wholeTable', key: [], loser: null, winner: null }),
  ]
  agent.on('unsent', () => Promise.resolve({ changes }))
  const delivery = {
    channel: 'mail',
    kind: 'failoverDone',
    level: 'alert',
    at: '2026-03-01T09:00:00.000Z',
    to: 'ann@example.com',
    subject: 'Failover done',
    attempts: 3,
  } as const
  const deliveries = [
    { ...delivery, id: '1', state: 'delivered', lastError: null } as const,
    { ...delivery, id: '4', state: 'byPeer', lastError: null } as const,
    { ...delivery, id: '2', state: 'failed', lastError: 'mailbox full' } as const,
    { ...delivery, id: '3', state: 'waiting', lastError: 'connection refused' } as const,
  ]
  agent.on('notifications', () => Promise.resolve({ deliveries }))
  const levels = ['information', 'warning', 'alert'] as const
  const events = levels.map((level, index) =>
    historyEntry(3 - index, { level, actor: index === 0 ? 'ann' : null }),
  )
  agent.on('events', () => Promise.resolve({ events }))
}
