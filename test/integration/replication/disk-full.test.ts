import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chown, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import {
  type ClusterPair,
  inSync,
  rowsOf,
  startServer,
  type TestServer,
  useClusters,
  withClient,
} from '../../support/database.ts'

const DISK = '64m'
const DDL = `create table t (id int primary key, n int) with (fillfactor = 40);
  insert into t select n, 0 from generate_series(1, 500) n`

describe('a disk that fills on the active', function () {
  this.timeout(120_000)
  const clusters: () => ClusterPair = useClusters()
  let disk: string | null = null
  let active: TestServer
  let standby: TestServer

  before(async function () {
    disk = await mountSmallDisk()
    if (disk === null) {
      console.log('      skipped: a small file system cannot be mounted here')
      this.skip()
    }
    const path = disk
    await withClient(clusters().first.url(), (client) =>
      client.query(`create tablespace small location '${path}'`),
    )
    active = await startServer(clusters().first, 'active', { ddl: DDL, tablespace: 'small' })
    standby = await startServer(clusters().second, 'standby', { ddl: DDL })
    await active.engine.promote(1)
    await standby.engine.follow(active.source(), 'test')
    await inSync(active, standby)
  })

  after(async () => {
    await Promise.all([active?.close(), standby?.close()])
    if (disk === null) return
    await clusters().first.stop()
    execFileSync('umount', [disk])
    await rm(disk, { recursive: true, force: true })
  })

  const copies = (): number =>
    standby.history.filter(({ kind }) => kind === 'resynchronisationStarted').length

  it('stops writers as it would without us, and the pair is equal as soon as there is room again', async () => {
    const before = copies()
    const ballast = join(disk ?? '', 'ballast')
    await fill(ballast)
    await assert.rejects(
      active.sql.query('insert into t select n, 0 from generate_series(1000, 50000) n'),
      { code: '53100' },
    )
    // What still fits is written, with its journal entry or not at all.
    for (let n = 0; n < 30; n++)
      await active.sql.query(`update t set n = n + 1 where id = ${n}`).catch((error: unknown) => {
        assert.equal((error as pg.DatabaseError).code, '53100')
      })
    await rm(ballast)
    await active.sql.query(`update t set n = n + 1 where id = 500`)
    await inSync(active, standby, 30_000)
    assert.deepEqual(await rowsOf(standby, 't'), await rowsOf(active, 't'))
    assert.deepEqual((await standby.engine.check({ repair: false })).differences, [])
    assert.equal(copies(), before, 'nothing was copied for it')
  })

  it('is not filled by the journal: it is dropped before, writers go on, and the standby copies afresh', async () => {
    await standby.restartEngine()
    const dropped = (): string | undefined =>
      active.history.find(({ kind }) => kind === 'journalCapReached')?.reason
    for (let n = 0; n < 3000 && dropped() === undefined; n++) {
      await active.sql.query('update t set n = n + 1')
      if (n % 10 === 0) await active.sql.query('vacuum t')
    }
    assert.match(dropped() ?? '', /the journal has \d+ bytes, and its disk only \d+ left/)
    await active.sql.query('update t set n = n + 1')
    const before = copies()
    await standby.engine.follow(active.source(), 'back')
    await inSync(active, standby, 30_000)
    assert.equal(copies(), before + 1)
    assert.deepEqual(await rowsOf(standby, 't'), await rowsOf(active, 't'))
  })
})

/** A file that takes what is left. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const size of [1_048_576, 4096])
      for (let isFull = false; !isFull;)
        isFull = await file.write(Buffer.alloc(size)).then(
          ({ bytesWritten }) => bytesWritten < size,
          () => true,
        )
  } finally {
    await file.close()
  }
}

/** Null where this may not be done. */
async function mountSmallDisk(): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-standby-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'none', folder], {
      stdio: 'ignore',
    })
  } catch {
    await rm(folder, { recursive: true })
    return null
  }
  if (process.getuid?.() === 0) await chown(folder, 65534, 65534)
  return folder
}
