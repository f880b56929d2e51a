import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const SYSTEM_BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Nothing of the browser reaches out by itself, and it runs as root as well. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-dev-shm-usage',
]

export interface TestBrowser {
  readonly browser: Browser
  /** Closes it and removes what was unpacked for it. */
  close(): Promise<void>
}

/** A headless Chromium: the system's when there is one, else the one from npm, unpacked into a folder of its own. */
export async function startBrowser(): Promise<TestBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-standby-browser-'))
  try {
    const executablePath =
      SYSTEM_BROWSERS.find((path) => existsSync(path)) ?? (await unpack(folder))
    const env = { ...process.env, TMPDIR: folder, HOME: folder }
    const browser = await chromium.launch({ executablePath, args: FLAGS, env })
    const close = async (): Promise<void> => {
      await browser.close()
      await remove(folder)
    }
    return { browser, close }
  } catch (error) {
    await remove(folder)
    throw error
  }
}

/** The package unpacks into `os.tmpdir()`, which asks for TMPDIR each time. */
async function unpack(folder: string): Promise<string> {
  const previous = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  try {
    const { default: packed } = await import('@sparticuz/chromium')
    const path = await packed.executablePath()
    await chmod(path, 0o700)
    return path
  } finally {
    if (previous === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = previous
  }
}

async function remove(folder: string): Promise<void> {
  // The browser's last children may still write while it goes.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}
