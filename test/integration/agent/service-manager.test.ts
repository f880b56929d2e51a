import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createServiceManager } from '../../../plugin/agent/service-manager.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { waitUntil } from '../../support/wait-until.ts'

/** A datagram socket as systemd has it, which Node cannot open; prints each message on a line. */
const LISTEN = `use Socket; $| = 1; socket(S, PF_UNIX, SOCK_DGRAM, 0) or die; bind(S, pack_sockaddr_un($ARGV[0])) or die;
  print "bound\\n"; while (defined recv(S, $m, 4096, 0)) { $m =~ s/\\n/ /g; print "$m\\n" }`

describe('what systemd is told', function () {
  this.timeout(30_000)
  const folder = temporaryFolder()
  const socket = join(folder.path, 'notify')
  let listener: ChildProcess | null = null
  let heard = ''

  before(async function () {
    const missing = ['perl', 'systemd-notify'].filter((program) => !answers(program))
    if (missing.length > 0) {
      process.stdout.write(`    skipped: ${missing.join(' and ')} is not on this machine\n`)
      return this.skip()
    }
    const child = spawn('perl', ['-e', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    listener = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text))
    await waitUntil('the socket', () => heard.includes('bound'))
  })
  after(async () => {
    if (listener !== null) {
      listener.kill('SIGKILL')
      await once(listener, 'exit')
    }
    folder.remove()
  })

  const warned: string[] = []
  const note = (_: object, sentence: string): void => void warned.push(sentence)
  const logger = { debug: note, info: note, warn: note, error: note }

  it('is that the agent is ready, that it lives, and that it stops', async () => {
    const manager = createServiceManager(
      { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '150000', WATCHDOG_PID: String(process.pid) },
      logger,
    )
    await manager.ready()
    await waitUntil('the begin', () => heard.includes('READY=1'))
    await waitUntil('signs of life', () => (heard.match(/WATCHDOG=1/g) ?? []).length >= 3)
    await manager.stopping()
    await waitUntil('the end', () => heard.includes('STOPPING=1'))
    assert.deepEqual(warned, [])
  })

  it('is nothing where there is no systemd', async () => {
    const before = heard
    const manager = createServiceManager({}, logger)
    await manager.ready()
    await manager.stopping()
    assert.equal(heard, before)
    assert.deepEqual(warned, [])
  })

  it('is a warning in the log when it cannot be told', async () => {
    const manager = createServiceManager({ NOTIFY_SOCKET: join(folder.path, 'nobody') }, logger)
    await manager.ready()
    assert.match(warned.join(), /systemd-notify ended with status/)
  })
})

function answers(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
