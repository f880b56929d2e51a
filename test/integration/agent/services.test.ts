import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServices } from '../../../plugin/agent/services.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { waitUntil } from '../../support/wait-until.ts'

const config = (given: object) => ({ healthIntervalMs: 5000, timeoutMs: 5000, ...given })
const failure = (message: RegExp) => ({ code: 'HS_COMMAND_FAILED', message })

describe('service commands', () => {
  let folder: ReturnType<typeof temporaryFolder>
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => folder.remove())

  it('succeed when none is configured', async () => {
    const services = createServices(config({}))
    await services.start()
    await services.stop()
    assert.equal(await services.healthy(), true)
  })

  it('get their arguments as they are, without a shell', async () => {
    const file = join(folder.path, 'a b; touch c')
    await createServices(config({ start: ['touch', file] })).start()
    assert.equal(existsSync(file), true)
    assert.equal(existsSync(join(folder.path, 'c')), false)
  })

  it('tell health by their exit status', async () => {
    assert.equal(await createServices(config({ health: ['true'] })).healthy(), true)
    assert.equal(await createServices(config({ health: ['false'] })).healthy(), false)
    assert.equal(await createServices(config({ health: ['/no/such/program'] })).healthy(), false)
  })

  it('fail with status and last words, and without the arguments', async () => {
    const start = ['sh', '-c', 'echo one; echo no trunk >&2; exit 3 # password']
    await assert.rejects(createServices(config({ start })).start(), (error: Error) => {
      assert.equal(
        error.message,
        'A command of the operating system failed: services.start (sh) ended with status 3: no trunk',
      )
      return true
    })
    const long = createServices(config({ stop: ['sh', '-c', 'printf %5000s x; exit 1'] }))
    await assert.rejects(long.stop(), (error: Error) => error.message.length < 400)
    const missing = createServices(config({ stop: ['/no/such/program'] }))
    await assert.rejects(missing.stop(), failure(/services\.stop .*was not found/))
  })

  it('are ended with everything that they started when they take too long', async () => {
    const file = join(folder.path, 'pid')
    const start = ['sh', '-c', `trap '' TERM; sleep 600 & echo $! > ${file}; wait; sleep 600`]
    const services = createServices(config({ start, timeoutMs: 700 }))
    await assert.rejects(services.start(), failure(/took longer than 700 ms/))
    const child = Number(readFileSync(file, 'utf8'))
    await waitUntil('its child ended', () => {
      try {
        return readFileSync(`/proc/${child}/stat`, 'utf8').includes(') Z ')
      } catch {
        return true
      }
    })
  })

  it('may leave a daemon behind that keeps their output open', async () => {
    const file = join(folder.path, 'pid')
    const start = ['sh', '-c', `sleep 600 & echo $! > ${file}; exit 0`]
    const startedAt = performance.now()
    await createServices(config({ start, timeoutMs: 60_000 })).start()
    assert.ok(performance.now() - startedAt < 30_000)
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL')
  })
})
