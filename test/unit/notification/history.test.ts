import assert from 'node:assert/strict'
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HistoryEntry } from '../../../plugin/api/status-document.ts'
import { createHistory, type FileHistory } from '../../../plugin/notification/history.ts'
import { recordingLogger, temporaryFolder } from '../../support/channel.ts'

const TEMPLATE = {
  id: 1,
  at: '2026-01-01T00:00:00Z',
  serverId: 'server-a',
  hostName: 'pbx-a',
  kind: 'paired',
  level: 'information',
  title: 't',
  reason: 'r',
  meaning: 'Calls go on.',
  advice: 'a',
  data: {},
  actor: null,
}

describe('history', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let history: FileHistory
  const logger = recordingLogger()
  const open = (keep?: number, segmentBytes?: number) =>
    createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-a', hostName: 'pbx-a' }),
      logger,
      ...(keep === undefined ? {} : { keep }),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    })
  const ids = (entries: readonly HistoryEntry[]) => entries.map(({ id }) => id)

  beforeEach(async () => {
    logger.lines.length = 0
    folder = await temporaryFolder()
    history = await open()
  })
  afterEach(async () => {
    await history.close()
    await folder.remove()
  })

  it('keeps what the catalogue says of a kind with what happened', async () => {
    history.record({ kind: 'peerLost', reason: 'silent for 3 s', data: { silentMs: 3000 } })
    const [entry] = await history.list()
    assert.deepEqual(entry, {
      id: 1,
      at: entry?.at,
      serverId: 'server-a',
      hostName: 'pbx-a',
      kind: 'peerLost',
      level: 'alert',
      title: 'The peer does not answer',
      reason: 'silent for 3 s',
      meaning:
        'The system is not protected. Calls go on if it is the standby that does not answer; if it is the active server, this one takes over, unless something stands in the way.',
      advice: 'Repair the other server, and check the network between the two.',
      data: { silentMs: 3000 },
      actor: null,
    })
    assert.ok(Math.abs(Date.parse(entry.at) - Date.now()) < 60_000)
  })

  it('survives a restart, and ids go on', async () => {
    history.record({ kind: 'paired', reason: 'one', actor: 'cli' })
    history.record({ kind: 'peerLost', reason: 'two' })
    const before = await history.list()
    await history.close()
    history = await open()
    assert.deepEqual(await history.list(), before)
    assert.equal(history.lastId(), 2)
    history.record({ kind: 'peerBack', reason: 'three' })
    assert.deepEqual(ids(await history.list()), [3, 2, 1])
    assert.equal((await stat(join(folder.path, 'history.jsonl'))).mode & 0o777, 0o600)
  })

  it('tolerates a last line that a power cut tore, and other damage', async () => {
    history.record({ kind: 'paired', reason: 'one' })
    await history.close()
    const path = join(folder.path, 'history.jsonl')
    await appendFile(path, '\0\0rubbish\n{"id":"x"}\n{"id":4,"at":"2026-01-')
    history = await open()
    history.record({ kind: 'peerLost', reason: 'after' })
    assert.deepEqual(ids(await history.list()), [5, 1])
    assert.ok(logger.lines.some(({ text }) => text.includes('"lines":3')))
    await history.close()
    history = await open()
    assert.deepEqual(ids(await history.list()), [5, 1])
    history.record({ kind: 'peerBack', reason: 'later' })
    assert.ok(history.lastId() > 5)
  })

  it('filters by id, level and kind, newest first', async () => {
    for (let n = 0; n < 10; n += 1)
      history.record({ kind: n % 2 === 0 ? 'peerLost' : 'peerBack', reason: String(n) })
    history.record({ kind: 'steppedDown', reason: 'x' })
    assert.deepEqual(ids(await history.list({ limit: 2 })), [11, 10])
    assert.deepEqual(ids(await history.list({ limit: 0 })), [])
    assert.deepEqual(ids(await history.list({ after: 8 })), [11, 10, 9])
    assert.deepEqual(ids(await history.list({ level: 'information', limit: 2 })), [10, 8])
    assert.deepEqual(ids(await history.list({ kind: 'peerLost', after: 5 })), [9, 7])
    assert.deepEqual(await history.list({ kind: 'nothing' }), [])
  })

  it('finds what is not in memory any more', async () => {
    history.record({ kind: 'paired', reason: 'the first' })
    for (let n = 0; n < 1500; n += 1) history.record({ kind: 'heartbeatLate', reason: String(n) })
    assert.deepEqual(ids(await history.list({ kind: 'paired' })), [1])
    assert.equal((await history.list({ after: 100, limit: 5000 })).length, 1401)
    assert.deepEqual(ids(await history.list({ before: 4, after: 1 })), [3, 2])
    assert.deepEqual(ids(await history.list({ kind: 'heartbeatLate', limit: 1 })), [1501])
    await history.close()
    history = await open()
    assert.deepEqual(ids(await history.list({ kind: 'paired' })), [1])
    assert.equal((await history.list({ kind: 'paired' }))[0]?.reason, 'the first')
  })

  it('filters by who asked, in memory and on disk', async () => {
    history.record({ kind: 'takeOverStarted', reason: 'one', actor: 'ann' })
    for (let count = 0; count < 1100; count++) history.record({ kind: 'peerLost', reason: 'x' })
    history.record({ kind: 'takeOverStarted', reason: 'two', actor: '*' })
    assert.deepEqual(ids(await history.list({ by: 'ann' })), [1])
    assert.deepEqual(ids(await history.list({ by: '*' })), [1102, 1])
    assert.deepEqual(ids(await history.list({ by: '' })), [])
    assert.deepEqual(ids(await history.list({ by: 'bob' })), [])
  })

  it('filters by server and time, in memory and on disk', async () => {
    await history.close()
    const line = (id: number, hostName: string, at: string) =>
      `${JSON.stringify({ ...TEMPLATE, id, hostName, at })}\n`
    const old = Array.from({ length: 1200 }, (_, n) => line(n + 1, 'pbx-ü', '2026-01-01T00:00:00Z'))
    const more = line(1201, 'pbx-b', '2026-01-02T00:00:00Z')
    await writeFile(join(folder.path, 'history.jsonl'), [...old, more].join(''))
    history = await open()
    history.record({ kind: 'paired', reason: 'now' })
    assert.deepEqual(ids(await history.list({ server: 'pbx-b' })), [1201])
    assert.deepEqual(ids(await history.list({ server: 'server-a', limit: 2 })), [1202, 1201])
    assert.equal((await history.list({ server: 'pbx-ü', limit: 5000 })).length, 1200)
    const until = '2026-01-02T00:00:00Z'
    assert.equal((await history.list({ until, limit: 5000 })).length, 1200)
    assert.deepEqual(ids(await history.list({ until, before: 3 })), [2, 1])
    assert.deepEqual(ids(await history.list({ since: until })), [1202, 1201])
    assert.deepEqual(
      ids(await history.list({ since: until, until: '2026-02-01T00:00:00Z' })),
      [1201],
    )
  })

  it('bounds the disk by size, and what one entry can take of it', async () => {
    await history.close()
    history = await open(undefined, 50_000)
    for (let n = 1; n <= 60; n += 1) {
      history.record({
        kind: 'agentStarted',
        reason: 'x'.repeat(9000),
        data: { y: 'y'.repeat(90_000) },
      })
      await history.flush()
    }
    const names = (await readdir(folder.path)).filter((name) => name.startsWith('history'))
    const sizes = await Promise.all(
      names.map(async (name) => (await stat(join(folder.path, name))).size),
    )
    assert.ok(sizes.length === 3 && sizes.every((size) => size <= 56_000), String(sizes))
    const [newest] = await history.list({ limit: 1 })
    assert.deepEqual(
      [newest?.reason.length, newest?.data],
      [4000, { leftOut: '90008 characters of details' }],
    )
  })

  it('keeps a bounded number of entries', async () => {
    await history.close()
    history = await open(10)
    for (let n = 1; n <= 57; n += 1) {
      history.record({ kind: 'agentStarted', reason: String(n) })
      await history.flush()
    }
    const names = (await readdir(folder.path)).filter((name) => name.startsWith('history'))
    assert.deepEqual(names.sort(), ['history.1.jsonl', 'history.2.jsonl', 'history.jsonl'])
    const texts = await Promise.all(names.map((name) => readFile(join(folder.path, name), 'utf8')))
    const lines = texts.join('').trim().split('\n').length
    assert.ok(lines >= 10 && lines <= 15, String(lines))
    await history.close()
    history = await open(10)
    assert.equal(history.lastId(), 57)
    assert.equal((await history.list({ limit: 10 })).at(-1)?.id, 48)
  })

  it('tells listeners at once, whatever one of them does', () => {
    const heard: number[] = []
    history.onEntry(() => {
      throw new Error('a listener of bad manners')
    })
    const stop = history.onEntry((entry) => heard.push(entry.id))
    history.record({ kind: 'paired', reason: '' })
    assert.deepEqual(heard, [1])
    stop()
    history.record({ kind: 'paired', reason: '' })
    assert.deepEqual(heard, [1])
    assert.ok(logger.lines.some(({ text }) => text.includes('a listener of the history failed')))
  })

  it('keeps an entry whose data JSON cannot hold', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    history.record({ kind: 'paired', reason: 'a', data: cycle })
    history.record({ kind: 'paired', reason: 'b', data: { big: 1n } })
    assert.deepEqual(
      (await history.list()).map(({ data }) => data),
      [{}, {}],
    )
  })

  it('says what is wrong with a file that cannot be used', async () => {
    await history.close()
    const other = await temporaryFolder()
    await mkdir(join(other.path, 'history.jsonl'))
    await assert.rejects(
      createHistory({
        stateDirectory: other.path,
        server: () => ({ serverId: 'a', hostName: 'a' }),
      }),
      { code: 'HS_STATE_UNREADABLE' },
    )
    await other.remove()
    history = await open()
  })

  it('goes on in memory when the disk refuses, and writes later', async () => {
    await history.close()
    history = await open(2) // rotates at every entry
    history.record({ kind: 'paired', reason: '1' })
    await history.flush()
    const blocker = join(folder.path, 'history.1.jsonl')
    await mkdir(blocker)
    await writeFile(join(blocker, 'x'), '')
    await mkdir(join(folder.path, 'history.2.jsonl'))
    await writeFile(join(folder.path, 'history.2.jsonl', 'x'), '')
    history.record({ kind: 'paired', reason: '2' })
    await history.flush()
    assert.ok(logger.lines.some(({ text }) => text.includes('the history cannot be written')))
    assert.deepEqual(ids(await history.list({ limit: 2 })), [2, 1])
  })
})
