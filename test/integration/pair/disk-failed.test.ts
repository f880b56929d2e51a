import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { loadAgentConfig } from '../../../plugin/config/agent-config.ts'
import { type AgentPair, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

describe('a disk of the active that cannot be written to', function () {
  this.timeout(120_000)
  let pair: AgentPair
  let mounted: string | null = null

  /** The state directory as it is when the kernel has made its file system read-only. */
  const makeReadOnly = (path: string): boolean => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=64k', 'none', path], { stdio: 'ignore' })
    } catch {
      return false
    }
    mounted = path
    return true
  }
  const makeWritable = (): void => {
    if (mounted !== null) execFileSync('umount', [mounted])
    mounted = null
  }

  before(async () => {
    // Its socket must not vanish under what is mounted over the state directory.
    const config = { socketPath: 'agent.sock' }
    pair = await startAgentPair({ ddl: 'create table extension (number text primary key)', config })
    await pair.whole()
  })
  after(async () => {
    makeWritable()
    await pair.close()
  })

  it('hands over to the healthy standby, says why, and comes back as standby', async function () {
    const { primary, secondary } = pair
    if (!makeReadOnly(loadAgentConfig(primary.configPath).stateDirectory)) {
      console.log('      skipped: a file system cannot be mounted here')
      this.skip()
    }
    await primary.sql("insert into extension values ('1')")
    await waitUntil(
      'the standby serves',
      async () => (await secondary.client.status()).server.role === 'active',
      30_000,
    )
    assert.equal((await secondary.sql('select number from extension')).length, 1)
    const { server, health } = await primary.client.status()
    assert.equal(server.diskWritable, false)
    assert.notEqual(health.word, 'healthy')
    const { events } = await primary.client.events({ kind: 'diskFailed' })
    assert.equal(events.length, 1)
    const { lastTakeOver } = await secondary.client.status()
    assert.equal(lastTakeOver?.kind, 'takeOver', 'as planned, so nothing is lost')
    await waitUntil('a blocker on the active', async () => {
      const { blockers } = await secondary.client.status()
      return blockers.some(({ id }) => id === 'standbyDiskFailed')
    })
    makeWritable()
    await pair.whole(secondary)
    assert.equal((await primary.client.events({ kind: 'diskRecovered' })).events.length, 1)
  })
})
