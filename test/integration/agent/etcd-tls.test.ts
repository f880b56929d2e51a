import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { createEtcdWitness } from '../../../plugin/agent/witness/etcd-witness.ts'
import { type Etcd, type EtcdTls, startEtcd } from '../../support/etcd.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const TTL_MS = 3000

describe('a witness in an etcd behind TLS', function () {
  this.timeout(30_000)
  const folder = temporaryFolder()
  let etcd: Etcd | null = null
  let tls: EtcdTls

  before(async function () {
    tls = await certificate('right')
    etcd = await startEtcd(folder.path, tls)
    if (etcd === null) this.skip()
  })
  after(async () => {
    await etcd?.kill()
    folder.remove()
  })

  const witness = (caFile?: string, url = etcd!.url) =>
    createEtcdWitness({ url, key: 'hot-standby/tls', caFile }, () => 'primary')

  it('is asked where its certificate is from the authority that the configuration names', async () => {
    assert.equal(await witness(tls.certFile).hold(TTL_MS), 'granted')
  })

  it('is not believed with a certificate of somebody else, and says why', async () => {
    await assert.rejects(witness().hold(TTL_MS), /self-signed certificate/)
    const other = await certificate('other')
    await assert.rejects(witness(other.certFile).hold(TTL_MS), /certificate|signature/)
  })

  it('is not believed under another name than that of its certificate', async () => {
    const named = witness(tls.certFile, etcd!.url.replace('127.0.0.1', 'localhost'))
    await assert.rejects(named.hold(TTL_MS), /does not match certificate/)
  })

  async function certificate(name: string): Promise<EtcdTls> {
    const made = await generate([{ name: 'commonName', value: name }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
      ],
    })
    const files = {
      certFile: join(folder.path, `${name}.crt`),
      keyFile: join(folder.path, `${name}.key`),
    }
    writeFileSync(files.certFile, made.cert)
    writeFileSync(files.keyFile, made.private, { mode: 0o600 })
    return files
  }
})
