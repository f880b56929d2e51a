import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const HOOK = './test/support/use-express-4.mjs'
/** A route of the example platform itself, which leaves a rejected promise to Express 5. */
const OF_THE_PLATFORM = 'shows the refusal of the database as a page when a route was not behind'
/** Routes, forms, lock, health, live events: what hangs on Express. */
const FILES = ['plugin-routes', 'set-up-form', 'config-lock', 'health'].map(
  (name) => `test/http/${name}.test.ts`,
)

describe('on Express 4', function () {
  this.timeout(240_000)

  it('everything that is tried on Express 5 works too', async () => {
    const mocha = join(ROOT, 'node_modules/mocha/bin/mocha.js')
    const options = [
      mocha,
      '--node-option',
      `import=${HOOK}`,
      '--reporter=json',
      '--fgrep',
      OF_THE_PLATFORM,
      '--invert',
      ...FILES,
    ]
    const { stdout, stderr } = await run(process.execPath, options, {
      cwd: ROOT,
      maxBuffer: 20_000_000,
    }).catch((error: unknown) => error as { stdout: string; stderr: string })
    const { stats, failures } = JSON.parse(stdout.slice(stdout.indexOf('{\n'))) as Report
    assert.deepEqual(
      failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`),
      [],
    )
    assert.match(stderr, /Express 4 was given [1-9]\d* times/)
    assert.ok(stats.passes > 100, `${stats.passes} tests have run`)
  })
})

interface Report {
  readonly stats: { readonly passes: number }
  readonly failures: readonly {
    readonly fullTitle: string
    readonly err: { readonly message: string }
  }[]
}
