import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadTlsIdentity, makeIdentity } from '../../../plugin/channel/tls-identity.ts'
import { HotStandbyError } from '../../../plugin/errors.ts'
import { asOrdinaryUser } from '../../support/as-ordinary-user.ts'
import { temporaryFolder } from '../../support/channel.ts'

describe('TLS identity', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  const unreadable = (word: RegExp) => (error: unknown) => {
    assert.ok(error instanceof HotStandbyError)
    assert.equal(error.code, 'HS_STATE_UNREADABLE')
    assert.match(error.message, word)
    assert.doesNotMatch(JSON.stringify(error) + error.message, /BEGIN|PRIVATE/)
    return true
  }

  it('is made once, readable by its owner only', async () => {
    const made = await loadTlsIdentity(folder.path)
    assert.match(made.fingerprint, /^[0-9a-f]{64}$/)
    assert.deepEqual((await readdir(folder.path)).sort(), ['certificate.pem', 'key.pem'])
    for (const name of ['key.pem', 'certificate.pem'])
      assert.equal((await stat(join(folder.path, name))).mode & 0o777, 0o600)
    assert.deepEqual(await loadTlsIdentity(folder.path), made)
  })

  it('differs from server to server', async () => {
    assert.notEqual((await makeIdentity()).fingerprint, (await makeIdentity()).fingerprint)
  })

  it('finishes a first start that was interrupted', async () => {
    await writeFile(join(folder.path, 'key.pem'), 'half a k')
    const made = await loadTlsIdentity(folder.path)
    assert.deepEqual(await loadTlsIdentity(folder.path), made)
  })

  it('refuses damaged files, and leaves them as they are', async () => {
    await loadTlsIdentity(folder.path)
    for (const name of ['key.pem', 'certificate.pem']) {
      const path = join(folder.path, name)
      const good = await readFile(path, 'utf8')
      for (const bad of ['', 'rubbish', good.slice(0, 60)]) {
        await writeFile(path, bad)
        await assert.rejects(
          loadTlsIdentity(folder.path),
          unreadable(new RegExp(`${name} is damaged`)),
        )
        assert.equal(await readFile(path, 'utf8'), bad)
      }
      await writeFile(path, good)
    }
  })

  it('refuses a key that is not the one of the certificate, and a missing key', async () => {
    await loadTlsIdentity(folder.path)
    await writeFile(join(folder.path, 'key.pem'), (await makeIdentity()).keyPem)
    await assert.rejects(loadTlsIdentity(folder.path), unreadable(/do not belong together/))
    await rm(join(folder.path, 'key.pem'))
    await assert.rejects(loadTlsIdentity(folder.path), unreadable(/key\.pem is missing/))
  })

  it('refuses what it cannot read', async () => {
    await mkdir(join(folder.path, 'certificate.pem'))
    await assert.rejects(loadTlsIdentity(folder.path), unreadable(/EISDIR/))
  })

  it('refuses a folder that it may not write', async () => {
    await chmod(folder.path, 0o500)
    await asOrdinaryUser(folder.path, () =>
      assert.rejects(loadTlsIdentity(folder.path), unreadable(/EACCES/)),
    )
    await chmod(folder.path, 0o700)
  })
})
