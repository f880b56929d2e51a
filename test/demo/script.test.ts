import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

describe('npm run demo -- --script', function () {
  this.timeout(240_000)

  it('plays the whole story and leaves with status 0', async () => {
    const { status, output } = await run({}, '--script')
    assert.equal(status, 0, output)
    assert.match(output, /done: all \d+ steps hold/)
  })

  it('plays it where 127.0.0.1 and ::1 are the only loopback addresses', async () => {
    const { status, output } = await run({ HOT_STANDBY_DEMO_ONE_ADDRESS: '1' }, '--script')
    assert.equal(status, 0, output)
    assert.match(output, /http:\/\/127\.0\.0\.1:\d+ is served by pbx-a/)
  })

  it('refuses an unknown option with status 2', async () => {
    const { status, output } = await run({}, '--scripted')
    assert.equal(status, 2)
    assert.match(output, /There is no option --scripted/)
  })
})

async function run(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ status: number | null; output: string }> {
  const child = spawn(
    process.execPath,
    ['--import=tsx', join(ROOT, 'examples/demo/main.ts'), ...args],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  )
  let output = ''
  const keep = (chunk: string): void => {
    output += chunk
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, output }
}
