import assert from 'node:assert/strict'
import type { Contact } from '../../../plugin/core/settings.ts'
import { createHistory, type FileHistory } from '../../../plugin/notification/history.ts'
import { createNotifier, type Notifier } from '../../../plugin/notification/notifier.ts'
import { eventually, temporaryFolder } from '../../support/channel.ts'
import { type SmtpSink, startSmtpSink } from '../../support/smtp-sink.ts'

const ANNA: Contact = { name: 'Anna', email: 'anna@example.test', levels: ['information', 'alert'] }
const BERT: Contact = { name: 'Bert', email: 'bert@example.test', levels: ['information'] }

describe('a link that flaps', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let sink: SmtpSink
  let history: FileHistory
  let notifier: Notifier
  let now: number
  const storm = { free: 2, windowMs: 600_000, quietMs: 300_000, longestMs: 3_600_000 }

  const open = async (): Promise<void> => {
    history = await createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-a', hostName: 'pbx-a' }),
    })
    notifier = await createNotifier({
      stateDirectory: folder.path,
      history,
      ownId: 'server-a',
      smtp: {
        host: '127.0.0.1',
        port: sink.port,
        secure: false,
        requireTls: false,
        verifyCertificate: true,
        from: 'pbx@example.test',
      },
      contacts: () => [ANNA, BERT],
      server: () => ({ productName: 'Example', hostName: 'pbx-a', serialNumber: 'SN1' }),
      shouldSend: () => true,
      storm,
      now: () => now,
    })
  }
  const close = async (): Promise<void> => {
    await notifier.close()
    await history.close()
  }
  const flap = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      history.record({ kind: 'peerLost', reason: `loss ${n}` })
      history.record({ kind: 'peerBack', reason: `return ${n}` })
      now += 1000
    }
    await history.told()
  }
  const subjectsTo = (address: string) =>
    sink.mails
      .filter(({ to }) => to.includes(address))
      .map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)?.[1] ?? '')

  beforeEach(async () => {
    now = Date.now()
    folder = await temporaryFolder()
    sink = await startSmtpSink()
    await open()
  })
  afterEach(async () => {
    await close()
    await sink.close()
    await folder.remove()
  })

  it('is told at its beginning, and then in one summary, also after a restart', async () => {
    await flap(20)
    await eventually('the first ones', () => sink.mails.length === 3)
    await close()
    await open()
    await flap(10)
    history.record({ kind: 'failoverDone', reason: 'not part of the storm' })
    await eventually('a failover at once', () => sink.mails.length === 4)
    now += storm.quietMs
    await close()
    await open()
    await eventually('the summary', () => sink.mails.length === 6)
    const [anna, bert] = [subjectsTo(ANNA.email), subjectsTo(BERT.email)]
    assert.deepEqual(anna, [
      '[pbx-a] Alert: The peer does not answer',
      '[pbx-a] Information: The peer answers again',
      '[pbx-a] Alert: Failover done',
      '[pbx-a] Alert: 58 events about the link between the servers',
    ])
    assert.equal(bert.length, 2)
    const summary = sink.mails.at(-1)?.raw.replaceAll('=\r\n', '') ?? ''
    assert.match(summary, /29 times: The peer does not answer/)
    assert.match(summary, /29 times: The peer answers again/)
    assert.match(summary, /return 9/)
    assert.equal((await history.list({ kind: 'peerLost', limit: 100 })).length, 30)
  })

  it('is told singly again when it was quiet', async () => {
    await flap(5)
    now += storm.windowMs
    await close()
    await open()
    await eventually('the summary', () => subjectsTo(ANNA.email).length === 3)
    now += storm.windowMs
    history.record({ kind: 'peerLost', reason: 'again' })
    await eventually('singly', () => subjectsTo(ANNA.email).length === 4)
    assert.equal(subjectsTo(ANNA.email).at(-1), '[pbx-a] Alert: The peer does not answer')
  })

  it('is summed up at the latest after an hour, even when it goes on', async () => {
    await flap(2)
    for (let minute = 0; minute < 61; minute += 4) {
      now += 240_000
      await flap(1)
    }
    await close()
    await open()
    await eventually('the summary', () =>
      subjectsTo(ANNA.email).some((subject) => subject.includes('events about')),
    )
  })
})
