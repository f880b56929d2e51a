import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { hostAndPort } from '../../examples/demo/addresses.ts'
import { createDemoPair, type DemoPair } from '../../examples/demo/demo-pair.ts'
import { PASSWORD, type PbxServer } from '../../examples/demo/pbx-server.ts'
import type { StatusSummary } from '../../examples/demo/status-summary.ts'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { waitUntil } from '../support/wait-until.ts'

const VISIBLE_MS = 1000
const LIMIT_MS = 15_000
const QUICKLY = { timeout: 2000 }
const HOT_STANDBY = '/system/hot-standby'

/** Each step leaves the pair to the next one, as an administrator would meet it: by the pages alone. */
describe('the story of a pair, in a browser against the real agents', function () {
  this.timeout(90_000)
  let pair: DemoPair
  let browser: TestBrowser
  let pulledAt = 0

  before(async function () {
    this.timeout(180_000)
    pair = await createDemoPair(() => undefined)
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
    await pair?.destroy()
  })

  /** A page of one server, logged in, in a context of its own; closed afterwards. */
  const withPage = async (url: string, work: (page: Page) => Promise<void>): Promise<void> => {
    const context = await browser.browser.newContext()
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(LIMIT_MS)
      await page.goto(`${url}/login`)
      await page.fill('#name', 'admin')
      await page.fill('#password', PASSWORD)
      await page.click('main button')
      await page.waitForURL(`${url}/`)
      await work(page)
    } catch (error) {
      const [page] = context.pages()
      const text = await page?.locator('body').innerText().catch(String)
      const seen = page === undefined ? '' : `${page.url()}\n${text}`
      throw new Error(`${(error as Error).message}\n--- at ${seen}`, { cause: error })
    } finally {
      await context.close()
    }
  }
  const textOf = (page: Page): Promise<string> => page.locator('body').innerText()
  const untilText = (page: Page, path: string, pattern: RegExp): Promise<void> =>
    waitUntil(
      `${String(pattern)} at ${path}`,
      async () => {
        // A page that follows the agent may reload itself just now, and leave us without a page: then once more.
        const answer = page.goto(path).then(() => page.locator('body').innerText(QUICKLY))
        return pattern.test(await answer.catch(() => ''))
      },
      2 * LIMIT_MS,
    )
  const addExtension = async (page: Page, base: string, number: string, name: string) => {
    await page.goto(`${base}/pbx/extensions/new`)
    await page.fill('input[name=number]', number)
    await page.fill('input[name=name]', name)
    await page.fill('input[name=secret]', 'a registration password')
    await page.click('main form button')
  }
  const statusOf = (server: PbxServer): Promise<StatusSummary> => server.command('status')

  it('pairs: an access code from the page of the primary, typed on the page of the secondary', async () => {
    const { primary, secondary } = pair
    await pair.setUp()
    let accessCode = ''
    await withPage(primary.url, async (page) => {
      await page.goto(`${primary.url}${HOT_STANDBY}/set-up`)
      await page.click('form[action$="/set-up/access-code"] button')
      accessCode = await page.locator('code.hs-code').innerText()
    })
    await withPage(secondary.url, async (page) => {
      const { agentHost, agentPort } = primary.addresses
      await page.goto(`${secondary.url}${HOT_STANDBY}/set-up`)
      const fill = async (): Promise<void> => {
        await page.fill('#hs-peer', hostAndPort(agentHost, agentPort))
        await page.fill('#hs-accessCode', accessCode)
      }
      await fill()
      await page.click('form[action$="/set-up/join"] button:not([formaction])')
      // Both platforms have rows of their own, so the page asks before any is replaced.
      assert.match(await page.locator('#hs-data').innerText(), /rows? of data, this server \d+ row/)
      assert.notEqual((await statusOf(secondary)).setUp, 'paired')
      await fill()
      await page.check('input[name=keepDataOf][value=primary]')
      await page.click('form[action$="/set-up/join"] button:not([formaction])')
      await page.waitForURL(/done=joined/)
      await untilText(page, `${secondary.url}${HOT_STANDBY}/`, /healthy/iu)
    })
  })

  it('shows an edit in the browser of the standby in less than a second', async () => {
    await withPage(pair.secondary.url, async (standby) => {
      await withPage(pair.virtualUrl, async (active) => {
        assert.match(await textOf(active), /Active server\./)
        await addExtension(active, pair.virtualUrl, '4001', 'Katherine Johnson')
        await active.waitForURL(/saved/)
      })
      const savedAt = performance.now()
      await waitUntil('the edit on the standby', async () => {
        await standby.goto(`${pair.secondary.url}/pbx/extensions/`)
        return (await textOf(standby)).includes('Katherine Johnson')
      })
      const tookMs = performance.now() - savedAt
      assert.ok(tookMs < VISIBLE_MS, `it took ${Math.round(tookMs)} ms`)
    })
  })

  it('says on every page of the standby that it is one, and leads to the active', async () => {
    await withPage(pair.secondary.url, async (page) => {
      assert.match(await page.title(), /^\[standby\]/u)
      const banner = page.locator('.banner')
      assert.match(await banner.innerText(), /Standby: configuration is locked here\. Synchronised/)
      await banner.getByRole('link', { name: 'Go to the active server' }).click()
      await page.waitForURL(`${pair.virtualUrl}/**`)
      assert.match(await textOf(page), new RegExp(pair.primary.name))
    })
  })

  it('refuses an edit on the standby, says why and where to do it, and changes nothing', async () => {
    await withPage(pair.secondary.url, async (page) => {
      const answer = page.waitForResponse((response) => response.request().method() === 'POST')
      await addExtension(page, pair.secondary.url, '4002', 'Refused')
      assert.equal((await answer).status(), 423)
      const text = await textOf(page)
      assert.match(text, /Nothing was saved: configuration is locked on this server/)
      assert.match(text, /This server is standby: it gets its configuration from the active server/)
      assert.match(text, /What to do: make the change on the active server/i)
      const link = page.locator('main a.hs-button')
      assert.equal(await link.getAttribute('href'), `${pair.virtualUrl}/`)
      await page.goto(`${pair.secondary.url}/pbx/extensions/`)
      assert.doesNotMatch(await textOf(page), /Refused/)
    })
  })

  it('says on the page of the new active why it took over', async () => {
    const { primary, secondary } = pair
    await withPage(secondary.url, async (page) => {
      await page.goto(`${secondary.url}${HOT_STANDBY}/`)
      pulledAt = Date.now()
      await primary.kill()
      // Nobody reloads: the page itself follows.
      const now = page.locator('[data-hs-live="last-take-over"]')
      await now.getByText('Failover (because of a fault)').waitFor()
      assert.match(await now.innerText(), /no heartbeat for \d+ ms/)
      await page
        .locator('.hs-health')
        .getByText(/not protected/iu)
        .waitFor()
    })
    await withPage(pair.virtualUrl, async (page) => {
      assert.match(await page.locator('.banner').innerText(), /Active server/)
      await addExtension(page, pair.virtualUrl, '4003', 'Mary Jackson')
      await page.waitForURL(/saved/)
    })
  })

  it('has told the contact by mail, and says so on the page of the new active', async () => {
    const { secondary, mailSink } = pair
    const mail = await mailSink.waitFor(/failover done/iu, pulledAt, LIMIT_MS)
    assert.match(mail.subject, new RegExp(secondary.name))
    await withPage(secondary.url, async (page) => {
      await untilText(
        page,
        `${secondary.url}${HOT_STANDBY}/notifications`,
        /Failover done[\s\S]*?delivered/,
      )
    })
  })

  it('says on the page of the repaired primary what to do, and takes over from there', async () => {
    const { primary, secondary } = pair
    await primary.start()
    await primary.command('wait', '--for', 'in-sync', '--timeout', '60')
    await withPage(primary.url, async (page) => {
      await untilText(page, `${primary.url}${HOT_STANDBY}/`, /Healthy/u)
      assert.match(await page.locator('.banner').innerText(), /Standby: configuration is locked/)
      assert.match(await page.locator('.hs-health').innerText(), /What to do:/i)
      await page
        .locator('.hs-health')
        .getByRole('link', { name: /active/i })
        .last()
        .click()
      await page.waitForURL(/\/take-over$/)
      await page.check('#hs-confirm')
      await page.click('form[action$="/take-over"] button:not(.hs-danger)')
      await page.locator('.banner').getByText('Active server.', { exact: true }).waitFor()
      await page.goto(`${primary.url}/pbx/extensions/`)
      assert.match(await textOf(page), /Mary Jackson/)
      assert.match(await textOf(page), /Katherine Johnson/)
    })
    const [one, other] = [await statusOf(primary), await statusOf(secondary)]
    assert.deepEqual([one.server.role, other.server.role], ['active', 'standby'])
    await withPage(pair.virtualUrl, async (page) => {
      assert.match(await textOf(page), new RegExp(primary.name))
    })
  })
})
