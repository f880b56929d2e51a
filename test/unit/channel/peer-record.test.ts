import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  readPeerRecord,
  removePeerRecord,
  writePeerRecord,
} from '../../../plugin/channel/peer-record.ts'
import { makeIdentity } from '../../../plugin/channel/tls-identity.ts'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { recordOf, temporaryFolder } from '../../support/channel.ts'

describe('peer record', () => {
  it('is kept, replaced and removed', async () => {
    const folder = await temporaryFolder()
    const record = recordOf(await makeIdentity(), 7421)
    assert.equal(await readPeerRecord(folder.path), null)
    await removePeerRecord(folder.path)
    await writePeerRecord(folder.path, record)
    assert.deepEqual(await readPeerRecord(folder.path), record)
    assert.equal((await stat(join(folder.path, 'peer.json'))).mode & 0o777, 0o600)
    await writePeerRecord(folder.path, { ...record, port: 7422 })
    assert.equal((await readPeerRecord(folder.path))?.port, 7422)
    await removePeerRecord(folder.path)
    assert.equal(await readPeerRecord(folder.path), null)
    await folder.remove()
  })

  it('names the damaged field and never the key', async () => {
    const folder = await temporaryFolder()
    const path = join(folder.path, 'peer.json')
    await writePeerRecord(folder.path, recordOf(await makeIdentity(), 7421))
    const good = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    const shortKey = Buffer.alloc(31, 1).toString('base64')
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /is damaged/],
      ['{', /is damaged/],
      ['null', /is damaged/],
      [JSON.stringify({ ...good, fingerprint: 'ab' }), /fingerprint is not valid/],
      [JSON.stringify({ ...good, pairKey: shortKey }), /pairKey is not valid/],
      [JSON.stringify({ ...good, port: 0 }), /port is not valid/],
    ]
    for (const [text, expected] of cases) {
      await writeFile(path, text)
      await assert.rejects(readPeerRecord(folder.path), (error: HotStandbyError) => {
        assert.equal(error.code, 'HS_STATE_UNREADABLE')
        assert.match(error.message, expected)
        assert.ok(!JSON.stringify(error).includes(shortKey))
        return true
      })
    }
    await folder.remove()
  })
})
