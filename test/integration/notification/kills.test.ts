import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, temporaryFolder } from '../../support/channel.ts'
import { type SmtpSink, startSmtpSink } from '../../support/smtp-sink.ts'
import { freePort } from '../../../examples/demo/postgres-cluster.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/notifier-process.ts')

describe('a notifier that is killed', function () {
  this.timeout(60_000)
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let sink: SmtpSink | null = null
  let child: ChildProcess | null = null

  const start = (port: number, ...kinds: readonly string[]): ChildProcess => {
    const args = ['--import=tsx', FIXTURE, folder.path, String(port), ...kinds]
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    return child
  }
  const recorded = (started: ChildProcess) => once(started.stdout!, 'data')
  const kill = async (): Promise<void> => {
    const running = child
    child = null
    if (running === null || running.exitCode !== null) return
    running.kill('SIGKILL')
    await once(running, 'exit')
  }
  const noted = async (): Promise<number> => {
    const lines = await readFile(join(folder.path, 'outbox.jsonl'), 'utf8')
    return lines.match(/"type":"delivered"/g)?.length ?? 0
  }
  const messageIds = () =>
    (sink?.mails ?? []).map(({ raw }) => /^Message-ID: (.*)\r$/im.exec(raw)?.[1] ?? '')

  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(async () => {
    await kill()
    await sink?.close()
    sink = null
    await folder.remove()
  })

  it('while the mail server is down loses nothing, and sends each mail once', async () => {
    const port = await freePort()
    await recorded(start(port, 'failoverStarted', 'failoverDone'))
    await kill()
    sink = await startSmtpSink({ port })
    start(port)
    await eventually('both are there', () => sink?.mails.length === 2)
    // A kill before this note is the story of the last test.
    await eventually('both are noted', async () => (await noted()) === 2)
    await kill()
    await recorded(start(port, 'steppedDown'))
    await eventually('the third is there', () => sink?.mails.length === 3)
    assert.equal(new Set(messageIds()).size, 3)
  })

  it('before the mail server said yes sends the mail again, and the server has it once', async () => {
    let first = true
    sink = await startSmtpSink({
      onMailFrom: (_address, _session, callback) => {
        if (!first) {
          callback()
          return
        }
        first = false
        void kill() // The mail server has heard of a mail, and never gets it.
      },
    })
    start(sink.port, 'failoverDone')
    await eventually('killed', () => !first && child === null)
    start(sink.port)
    await eventually('it is there', () => sink?.mails.length === 1)
    await recorded(child!)
    assert.equal(sink.mails.length, 1)
  })

  it('between the yes and its own note of it sends the same mail again, under the same message id', async () => {
    // The one case in which SMTP allows no certainty: the yes is lost with the process.
    let isFirst = true
    sink = await startSmtpSink({
      beforeYes: async () => {
        if (!isFirst) return
        isFirst = false
        await kill()
      },
    })
    start(sink.port, 'failoverDone')
    await eventually('the first is there', () => sink?.mails.length === 1)
    await eventually('killed', () => child === null)
    start(sink.port)
    await eventually('it came again', () => sink?.mails.length === 2)
    assert.equal(new Set(messageIds()).size, 1)
  })
})
