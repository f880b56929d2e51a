// Takes the pictures of docs/guide/pages from the running demo: `npm run docs:pictures`. Two real servers; nothing is staged but
// what an administrator would do: pair, check, pull the plug of the active.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { createDemoPair, type DemoPair } from '../examples/demo/demo-pair.ts'
import { API_TOKEN, PASSWORD, type PbxServer } from '../examples/demo/pbx-server.ts'
import { createPlatformClient } from '../examples/demo/platform-client.ts'
import { startBrowser, type TestBrowser } from '../test/support/browser.ts'
import { waitUntil } from '../test/support/wait-until.ts'

const FOLDER = join(import.meta.dirname, '../docs/guide/pages')
const TALLEST = 1050
const LARGEST_BYTES = 150_000

interface Look {
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
  readonly locale?: string
}

const tell = (line: string): void => void process.stdout.write(`${line}\n`)

await rm(FOLDER, { recursive: true, force: true })
await mkdir(FOLDER, { recursive: true })
const pair = await createDemoPair(tell)
const browser = await startBrowser()
try {
  await takePictures(pair, browser)
} finally {
  await browser.close()
  await pair.destroy()
}

async function takePictures(demo: DemoPair, { browser: chromium }: TestBrowser): Promise<void> {
  const take = async (
    name: string,
    server: PbxServer,
    path: string,
    { width = 960, colorScheme = 'light', locale = 'en' }: Look = {},
  ): Promise<void> => {
    const viewport = { width, height: 800 }
    const context = await chromium.newContext({ viewport, colorScheme })
    try {
      const page = await context.newPage()
      await logIn(page, server)
      await page.goto(`${server.url}/locale/${locale}`)
      await page.goto(`${server.url}/system/hot-standby/${path}`)
      await page.waitForSelector('.hs')
      const height = Math.min(TALLEST, await page.evaluate<number>('document.body.scrollHeight'))
      await page.setViewportSize({ width, height })
      if (path.includes('#'))
        await page
          .locator(`section:has(#${path.split('#')[1]})`)
          .evaluate('part => part.scrollIntoView()')
      const { length } = await page.screenshot({ path: join(FOLDER, `${name}.png`) })
      if (length > LARGEST_BYTES) throw new Error(`${name}.png is too large: ${length} bytes`)
      tell(`${name}.png, ${length} bytes`)
    } finally {
      await context.close()
    }
  }
  const { primary, secondary } = demo
  await take('set-up', primary, 'set-up')
  await demo.pair()
  await secondary.command('wait', '--for', 'in-sync', '--timeout', '60')
  await secondary.command('check')
  await take('status-active', primary, '')
  await take('status-standby', secondary, '', { colorScheme: 'dark' })
  await take('status-phone', secondary, '', { width: 360 })
  await take('status-german', primary, '', { locale: 'de' })
  await take('synchronisation', secondary, 'synchronisation')
  await take('take-over', secondary, 'take-over')
  await secondary.command('drill').catch(() => undefined) // what fails belongs into the picture
  await take('rehearsal', secondary, 'take-over#hs-drill')
  await take('maintenance', primary, 'maintenance')
  await take('notifications', primary, 'notifications')
  await primary.kill()
  await secondary.command('wait', '--for', 'active', '--timeout', '60')
  await take('status-after-failover', secondary, '')
  await take('history', secondary, 'history')
  await primary.start()
  await primary.command('wait', '--for', 'in-sync', '--timeout', '60')
  await loseChanges(secondary, primary)
  await take('unsent', primary, 'unsent')
}

/** The active is lost with changes that its standby has not got, and comes back. */
async function loseChanges(active: PbxServer, standby: PbxServer): Promise<void> {
  const [losing, winning] = [active, standby].map(({ url }) => createPlatformClient(url, API_TOKEN))
  if (losing === undefined || winning === undefined) throw new Error('there are two servers')
  const extension = { number: '4711', name: 'Front desk', secret: 'a registration password' }
  const id = await losing.create('extensions', extension)
  await standby.command('wait', '--for', 'in-sync', '--timeout', '60')
  await active.command('maintenance', 'on', '--for', '1h', '--pause-synchronisation')
  await waitUntil('the pause', async () => {
    const { replication } = await standby.command<{ replication: { phase: string } }>('status')
    return replication.phase === 'paused'
  })
  await losing.update('extensions', id, { ...extension, name: 'Front desk, ground floor' })
  await losing.create('extensions', { ...extension, number: '4712', name: 'Night bell' })
  await active.kill()
  await waitUntil('the silence', async () => {
    const { peer } = await standby.command<{ peer: { heard: boolean } }>('status')
    return !peer.heard
  })
  await standby.command('take-over', '--force', '--yes')
  await winning.update('extensions', id, { ...extension, name: 'Reception' })
  await standby.command('maintenance', 'off')
  await active.start()
  await active.command('wait', '--for', 'in-sync', '--timeout', '60')
  await waitUntil('what won', async () => {
    const { changes } = await standby.command<{ changes: { isWinnerKnown: boolean }[] }>('unsent')
    return changes.length > 0 && changes.every(({ isWinnerKnown }) => isWinnerKnown)
  })
}

async function logIn(page: Page, server: PbxServer): Promise<void> {
  await page.goto(`${server.url}/login`)
  await page.fill('#name', 'admin')
  await page.fill('#password', PASSWORD)
  await page.click('main button')
  await page.waitForURL(`${server.url}/`)
}
