import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { waitUntil } from '../support/wait-until.ts'

const ROOT = join(import.meta.dirname, '../..')
const LIMIT_MS = 60_000
const CLEAR = '\u001b[2J\u001b[H'

/** A terminal of its own for a program: `script` of util-linux makes a pseudo-terminal and passes our keys on. */
const hasTerminal = /util-linux/.test(versionOf('script'))

describe('the keys and the live view of the demo, in a terminal', function () {
  this.timeout(240_000)
  const folder = temporaryFolder()
  let demo: ChildProcess | null = null
  let output = ''
  let exited: Promise<number | null>

  before(function () {
    if (!hasTerminal) {
      process.stdout.write('    skipped: `script` of util-linux is not on this machine\n')
      this.skip()
    }
    chmodSync(folder.path, 0o755) // PostgreSQL may run as another user.
    const command = `${process.execPath} --import=tsx examples/demo/main.ts`
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: folder.path, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    demo = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    exited = new Promise((resolve) => child.once('close', resolve))
  })
  after(() => {
    if (demo?.exitCode === null) demo.kill('SIGTERM')
    folder.remove()
  })

  /** What stands on the screen now: everything since it was cleared last. */
  const screen = (): string => output.split(CLEAR).at(-1) ?? ''
  const shows = (...patterns: readonly RegExp[]): Promise<void> =>
    waitUntil(
      `${patterns.map(String).join(' and ')} on the screen`,
      () => patterns.every((pattern) => pattern.test(screen())),
      LIMIT_MS,
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${screen()}`)
    })
  const press = (key: string): void => void demo?.stdin?.write(key)

  it('shows both servers, in sync', () =>
    shows(/^pbx-a +primary, ACTIVE .* in sync/m, /^pbx-b +secondary, STANDBY .* in sync/m))

  it('1 kills the primary: the other takes over, and the mail is shown', async () => {
    press('1')
    await shows(/^pbx-a +KILLED/m, /^pbx-b +secondary, ACTIVE .* holds the virtual IP/m)
    await shows(/pbx-a killed \(kill -9/, /mail to duty@example\.com: .*failover/i)
  })

  it('3 restarts it: it stays standby and catches up', async () => {
    press('3')
    await shows(/^pbx-a +primary, STANDBY .* in sync, configuration locked/m, /^pbx-b .*ACTIVE/m)
  })

  it('5 hangs the other: the primary takes over', async () => {
    press('5')
    await shows(/^pbx-b +HUNG/m, /^pbx-a +primary, ACTIVE .* holds the virtual IP/m)
  })

  it('6 wakes it: it gives way', async () => {
    press('6')
    await shows(/^pbx-b +secondary, STANDBY .* configuration locked/m, /^pbx-a .*ACTIVE/m)
  })

  it('2 hangs the primary: the other takes over; 3 wakes it, and it gives way', async () => {
    press('2')
    await shows(/^pbx-a +HUNG/m, /^pbx-b +secondary, ACTIVE .* holds the virtual IP/m)
    press('3')
    await shows(/^pbx-a +primary, STANDBY .* configuration locked/m, /^pbx-b .*ACTIVE/m)
  })

  it('4 kills the other: the primary takes over; 6 restarts it, and it follows', async () => {
    await shows(/^pbx-a +primary, STANDBY .* in sync, configuration locked/m)
    press('4')
    await shows(/^pbx-b +KILLED/m, /^pbx-a +primary, ACTIVE .* holds the virtual IP/m)
    press('6')
    await shows(/^pbx-b +secondary, STANDBY .* in sync, configuration locked/m, /^pbx-a .*ACTIVE/m)
  })

  it('has no meaning for other keys', async () => {
    const lines = output.split(CLEAR).length
    press('x0789')
    await waitUntil('a redrawn screen', () => output.split(CLEAR).length > lines + 2)
    await shows(/^pbx-a .*ACTIVE/m, /^pbx-b .*STANDBY/m)
  })

  it('ends with Ctrl-C, and leaves no process, file or port behind', async () => {
    const ports = [...screen().matchAll(/http:\/\/([\d.]+):(\d+)\//g)].map(
      ([, host = '', port]): readonly [string, number] => [host, Number(port)],
    )
    assert.equal(ports.length, 3)
    press('\u0003')
    assert.equal(await exited, 0, output.slice(-2000))
    // The cache of tsx itself is not the demo's.
    const left = readdirSync(folder.path).filter((name) => !name.startsWith('tsx-'))
    assert.deepEqual(left, [])
    assert.deepEqual(processesOf(folder.path), [])
    for (const [host, port] of ports) await listen(host, port)
  })
})

function versionOf(program: string): string {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' })
  } catch {
    return ''
  }
}

/** Processes whose environment or command names the folder. */
function processesOf(folder: string): string[] {
  if (!existsSync('/proc')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) =>
      ['cmdline', 'environ'].some((file) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder)
        } catch {
          return false // It has ended, or is another user's.
        }
      }),
    )
}

function listen(host: string, port: number): Promise<void> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => server.close(() => resolve()))
  })
}
