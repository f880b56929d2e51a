import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { waitUntil } from '../support/wait-until.ts'

const PARENT = join(import.meta.dirname, 'fixtures/parent.ts')

describe('The processes of the demo', function () {
  this.timeout(60_000)
  let parent: ChildProcess | null = null

  afterEach(() => {
    parent?.kill('SIGKILL')
  })

  const start = async (...args: readonly string[]): Promise<{ folder: string; pid: number }> => {
    const started = spawn(process.execPath, ['--import=tsx', PARENT, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    parent = started
    const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string]
    return JSON.parse(line) as { folder: string; pid: number }
  }

  it('are gone with their files when the demo is killed with kill -9', async () => {
    const { folder, pid } = await start()
    assert.ok(isAlive(pid) && existsSync(folder))
    parent?.kill('SIGKILL')
    await waitUntil('the child is gone', () => !isAlive(pid), 20_000)
    await waitUntil('the folder is gone', () => !existsSync(folder), 20_000)
  })

  it('are gone with their files when a stopped child must be killed', async () => {
    const { folder, pid } = await start('close')
    process.kill(pid, 'SIGSTOP')
    parent?.stdin?.write('end\n')
    if (parent !== null) await once(parent, 'exit')
    assert.ok(!isAlive(pid))
    assert.ok(!existsSync(folder))
  })
})

/** A zombie is as good as gone: not every container has a process 1 that collects them. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return (
      !existsSync(`/proc/${pid}/stat`) || !/\) Z /u.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    )
  } catch {
    return false
  }
}
