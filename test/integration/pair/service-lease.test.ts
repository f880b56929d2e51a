import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

const MAIN = fileURLToPath(new URL('../../../plugin/cli/main.ts', import.meta.url))
const LEASE_MS = 3000

describe('the lease of the telephony service', function () {
  this.timeout(120_000)
  let pair: AgentPair
  let hung: ChildProcess | null = null

  before(async () => {
    pair = await startAgentPair({ ddl: 'create table extension (number text primary key)' })
  })
  after(async () => {
    if (hung !== null) {
      hung.kill('SIGKILL')
      await once(hung, 'exit')
    }
    await pair?.close()
  })

  const lease = async (server: PairServer) => {
    const lines: string[] = []
    const note = (line: string): void => void lines.push(line)
    const argv = ['--json', '--config', server.configPath, 'lease']
    const status = await runCli(argv, { out: note, err: note, clear: () => undefined })
    const { remainingMs } = JSON.parse(lines.join('')) as { remainingMs: number }
    return { status, remainingMs }
  }

  it('is there on the active server, for as long as the address at the most, and goes with the role', async () => {
    const { primary, secondary } = pair
    const held = await lease(primary)
    assert.equal(held.status, 0)
    assert.ok(held.remainingMs > 0 && held.remainingMs <= LEASE_MS)
    assert.deepEqual(await lease(secondary), { status: 1, remainingMs: 0 })
    await waitUntil('a renewal', async () => (await lease(primary)).remainingMs > held.remainingMs)

    await secondary.client.takeOver({ force: false, wait: true })
    assert.deepEqual(await lease(primary), { status: 1, remainingMs: 0 })
    assert.equal((await lease(secondary)).status, 0)
    await pair.whole(secondary)
  })

  it('ends by itself when the agent hangs, and whoever watches it is told', async () => {
    const { secondary } = pair
    // In maintenance nobody takes over, and an active server goes on when it is back.
    await secondary.client.setMaintenance({ on: true, untilEnded: true })
    await secondary.stop()
    const run = (...words: readonly string[]): ChildProcess =>
      spawn(process.execPath, ['--import=tsx', MAIN, '--config', secondary.configPath, ...words], {
        stdio: 'ignore',
      })
    const watcher = run('lease', '--while', '--within', '40s')
    const ended = once(watcher, 'exit')
    hung = run('agent')
    await waitUntil('the lease', async () => (await lease(secondary)).status === 0, 40_000)
    hung.kill('SIGSTOP')
    const from = performance.now()
    await waitUntil('its end', async () => (await lease(secondary)).status === 1)
    assert.ok(performance.now() - from < LEASE_MS + 1000)
    assert.deepEqual(await ended, [1, null])
  })
})
