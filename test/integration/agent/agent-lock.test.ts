import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { acquireAgentLock } from '../../../plugin/agent/agent-lock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { waitUntil } from '../../support/wait-until.ts'

const HOLDER = fileURLToPath(new URL('../../support/lock-holder.ts', import.meta.url))

describe('agent lock', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let holder: ChildProcess | null

  beforeEach(() => {
    folder = temporaryFolder()
    holder = null
  })
  afterEach(async () => {
    await end(holder)
    folder.remove()
  })

  async function startHolder(): Promise<ChildProcess> {
    holder = fork(HOLDER, [folder.path])
    await once(holder, 'message')
    return holder
  }

  it('refuses a second agent and names the first', async () => {
    const { pid } = await startHolder()
    await assert.rejects(acquireAgentLock(folder.path), {
      code: 'HS_AGENT_RUNNING',
      message: new RegExp(`is in use by process ${String(pid)}, started at `),
    })
  })

  it('is free after kill -9 of the holder, without any cleaning up', async () => {
    const child = await startHolder()
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.match(readFileSync(join(folder.path, 'agent.lock'), 'utf8'), /"pid"/)
    const lock = await acquireAgentLock(folder.path)
    await lock.release()
  })

  it('is still held by a stopped holder', async () => {
    const child = await startHolder()
    child.kill('SIGSTOP')
    await assert.rejects(acquireAgentLock(folder.path), { code: 'HS_AGENT_RUNNING' })
  })

  it('is not fooled by a pid in the file that another process has now', async () => {
    const note = { pid: process.ppid, startedAt: new Date().toISOString() }
    writeFileSync(join(folder.path, 'agent.lock'), JSON.stringify(note))
    const lock = await acquireAgentLock(folder.path)
    await lock.release()
  })

  it('is one lock whatever path leads to the directory, and another for another directory', async () => {
    const lock = await acquireAgentLock(folder.path)
    await assert.rejects(acquireAgentLock(`${folder.path}/../${folder.path.split('/').at(-1)!}`), {
      code: 'HS_AGENT_RUNNING',
    })
    const other = temporaryFolder()
    await (await acquireAgentLock(other.path)).release()
    other.remove()
    await lock.release()
    await (await acquireAgentLock(folder.path)).release()
  })

  it('lets exactly one of many that start at once through', async () => {
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, () => acquireAgentLock(folder.path)),
    )
    const locks = attempts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    assert.equal(locks.length, 1)
    await locks[0]!.release()
    await waitUntil('free again', async () => {
      await (await acquireAgentLock(folder.path)).release()
      return true
    })
  })
})

/** A later test's folder may get the same inode, so the holder must really be gone. */
async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
