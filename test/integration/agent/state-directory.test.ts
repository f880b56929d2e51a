import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { openServerId, openStateDirectory } from '../../../plugin/agent/state-directory.ts'
import { createStateStore } from '../../../plugin/agent/state-store.ts'
import { asOrdinaryUser } from '../../support/as-ordinary-user.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const unreadable = (message: RegExp) => ({ code: 'HS_STATE_UNREADABLE', message })
const state = {
  term: 3,
  wasActive: true,
  dataInSync: true,
  modes: {
    version: 2,
    maintenanceUntilMs: null,
    synchronisationPaused: false,
    automatic: 'on',
  },
  roleChangesMs: [],
} as const

describe('state directory', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let path: string

  beforeEach(() => {
    folder = temporaryFolder()
    path = join(folder.path, 'deep', 'state')
  })
  afterEach(() => folder.remove())

  it('is made closed to others', async () => {
    await openStateDirectory(path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
  })

  it('is closed to others when it was open', async () => {
    mkdirSync(path, { recursive: true })
    chmodSync(path, 0o755)
    await openStateDirectory(path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
  })

  it('is refused when it is a file, or below one, or cannot be made', async () => {
    const file = join(folder.path, 'file')
    writeFileSync(file, '')
    await assert.rejects(openStateDirectory(file), unreadable(/file is not a directory/))
    await assert.rejects(openStateDirectory(join(file, 'x')), unreadable(/is not a directory/))
    await assert.rejects(openStateDirectory('/proc/nowhere/state'), unreadable(/cannot be made/))
  })

  it('is refused when it cannot be written, entered or made by the user that the agent runs as', async () => {
    const open = () => openStateDirectory(folder.path)
    chmodSync(folder.path, 0o500)
    await asOrdinaryUser(folder.path, async () => {
      await assert.rejects(open, unreadable(/cannot be written \(EACCES\)/))
      await assert.rejects(openStateDirectory(path), unreadable(/cannot be made \(EACCES\)/))
    })
    chmodSync(folder.path, 0o000)
    await asOrdinaryUser(folder.path, () => assert.rejects(open, unreadable(/\(EACCES\)/)))
    chmodSync(folder.path, 0o700)
  })

  it('is freed of the temporary files of a write that was cut short, and of nothing else', async () => {
    await openStateDirectory(path)
    writeFileSync(join(path, '.state.json.0123456789ab.tmp'), '{"ter')
    writeFileSync(join(path, 'history.jsonl'), '')
    await openStateDirectory(path)
    assert.deepEqual(readdirSync(path), ['history.jsonl'])
  })

  it('keeps its server id', async () => {
    await openStateDirectory(path)
    const first = await openServerId(path)
    assert.equal(await openServerId(path), first)
    assert.match(first, /^[0-9a-f-]{36}$/)
    assert.equal(statSync(join(path, 'server.json')).mode & 0o777, 0o600)
    writeFileSync(join(path, 'server.json'), '{"serverId":"me"}')
    await assert.rejects(openServerId(path), unreadable(/does not hold a server id/))
  })
})

describe('state store', () => {
  let folder: ReturnType<typeof temporaryFolder>

  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => folder.remove())

  it('has nothing at first, then what was saved, in a file for this user only', async () => {
    const store = createStateStore(folder.path)
    assert.equal(await store.load(), null)
    await store.save(state)
    assert.deepEqual(await createStateStore(folder.path).load(), state)
    assert.equal(statSync(join(folder.path, 'state.json')).mode & 0o777, 0o600)
  })

  it('saves in the order of the calls, and leaves no temporary file', async () => {
    const store = createStateStore(folder.path)
    const terms = Array.from({ length: 30 }, (_, index) => index + 1)
    await Promise.all(terms.map((term) => store.save({ ...state, term })))
    assert.equal((await store.load())?.term, 30)
    assert.deepEqual(readdirSync(folder.path), ['state.json'])
  })

  it('never shows half a file to a reader', async () => {
    const store = createStateStore(folder.path)
    await store.save(state)
    let writing = true
    const written = Promise.all(
      Array.from({ length: 50 }, (_, term) => store.save({ ...state, term })),
    ).finally(() => {
      writing = false
    })
    let reads = 0
    while (writing) {
      JSON.parse(readFileSync(join(folder.path, 'state.json'), 'utf8'))
      reads += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    await written
    assert.ok(reads > 0)
  })

  it('refuses a damaged file with its name and what to do', async () => {
    const store = createStateStore(folder.path)
    const file = join(folder.path, 'state.json')
    const damages: [string, RegExp][] = [
      ['', /state\.json is damaged: it is not JSON/],
      ['{"term":3,"wasA', /it is not JSON/],
      ['null', /it is not JSON/],
      ['[]', /has wrong fields: \(all\)/],
      [JSON.stringify({ ...state, term: -1 }), /has wrong fields: term/],
      [JSON.stringify({ ...state, term: '3', wasActive: 1 }), /term, wasActive/],
    ]
    for (const [text, message] of damages) {
      writeFileSync(file, text)
      await assert.rejects(store.load(), (error: Error & { code: string; remedy: string }) => {
        assert.equal(error.code, 'HS_STATE_UNREADABLE')
        assert.match(error.message, message)
        assert.match(error.remedy, /Move the file away .* Do not restore an older file/)
        return true
      })
    }
  })

  it('tells of a failed save, and saves again later', async () => {
    const missing = join(folder.path, 'missing')
    const store = createStateStore(missing)
    await assert.rejects(store.save(state), unreadable(/cannot be written/))
    mkdirSync(missing)
    await store.save(state)
    assert.deepEqual(await store.load(), state)
  })

  it('logs why the disk cannot be written to, once until it can', async () => {
    const missing = join(folder.path, 'missing')
    const { log, logger } = recordingLogger()
    const store = createStateStore(missing, logger)
    await assert.rejects(store.prove())
    await assert.rejects(store.prove())
    assert.deepEqual(
      log.map(({ level, sentence }) => [level, sentence]),
      [['error', 'the disk failed a trial']],
    )
    assert.match(JSON.stringify(log[0]?.fields), /ENOENT/)
    mkdirSync(missing)
    await store.prove()
    rmSync(missing, { recursive: true })
    await assert.rejects(store.prove())
    assert.equal(log.length, 2)
  })
})
