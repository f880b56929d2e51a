import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { AgentConfig } from '../../../plugin/config/agent-config.ts'
import { checkWitness } from '../../../plugin/node-agent/check-witness.ts'
import { freePort } from '../../../examples/demo/postgres-cluster.ts'
import type { WitnessConfig } from '../../../plugin/agent/witness/etcd-gateway.ts'
import { createEtcdWitness } from '../../../plugin/agent/witness/etcd-witness.ts'
import { type Etcd, startEtcd } from '../../support/etcd.ts'
import { recordingLogger } from '../../support/recording-logger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { waitUntil } from '../../support/wait-until.ts'

const TTL_MS = 3000
const USER = { user: 'root', name: 'root', password: 'a-secret of the test' }

describe('a witness in a real etcd', function () {
  this.timeout(30_000)
  const folder = temporaryFolder()
  let etcd: Etcd | null = null
  let url = ''
  let keys = 0

  before(async function () {
    etcd = await startEtcd(folder.path)
    if (etcd === null) return this.skip()
    url = etcd.url
  })
  after(async () => {
    await etcd?.kill()
    folder.remove()
  })
  const ask = (path: string, body: unknown): Promise<unknown> => etcd!.ask(path, body)

  const pair = () => {
    const key = `hot-standby/${(keys += 1)}`
    const server = (name: string) => createEtcdWitness({ url, key }, () => name)
    return { key, primary: server('primary'), secondary: server('secondary'), server }
  }

  it('gives the role to one server, and to the other one when it has run out', async () => {
    const { primary, secondary } = pair()
    const askedAt = performance.now()
    assert.equal(await primary.hold(TTL_MS), 'granted')
    assert.equal(await secondary.hold(TTL_MS), 'heldByPeer')
    await waitUntil(
      'the role has run out',
      async () => (await secondary.hold(TTL_MS)) === 'granted',
    )
    assert.ok(performance.now() - askedAt >= TTL_MS, 'not before the time that the holder counts')
    assert.equal(await primary.hold(TTL_MS), 'heldByPeer')
  })

  it('says in doctor who has the role, and when nobody answers', async () => {
    const { key, secondary } = pair()
    const look = async (witness: WitnessConfig): Promise<string> => {
      const [check] = await checkWitness({ witness } as AgentConfig)
      return `${check?.result}: ${check?.detail}`
    }
    assert.equal(await look({ url, key }), 'ok: answers; nobody has the role')
    await secondary.hold(TTL_MS)
    assert.equal(await look({ url, key }), 'ok: answers; the secondary has the role')
    const nobody = `http://127.0.0.1:${await freePort()}`
    assert.match(await look({ url: nobody, key }), /^warning: .*the witness: connect ECONNREFUSED/)
  })

  it('prolongs the role of its holder, without writing anew', async () => {
    const { key, primary, secondary } = pair()
    await primary.hold(TTL_MS)
    const begin = performance.now()
    await waitUntil('longer than the time to live', async () => {
      assert.equal(await primary.hold(TTL_MS), 'granted')
      assert.equal(await secondary.hold(TTL_MS), 'heldByPeer')
      return performance.now() - begin > TTL_MS + 1500
    })
    assert.equal(await versionOf(key), '1')
  })

  it('gives it to one of two that ask at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { primary, secondary } = pair()
      const answers = await Promise.all([primary.hold(TTL_MS), secondary.hold(TTL_MS)])
      assert.deepEqual(answers.toSorted(), ['granted', 'heldByPeer'])
    }
  })

  it('knows its holder again after a restart of the agent', async () => {
    const { primary, secondary, server } = pair()
    await primary.hold(TTL_MS)
    const restarted = server('primary')
    assert.equal(await restarted.hold(TTL_MS), 'granted')
    assert.equal(await secondary.hold(TTL_MS), 'heldByPeer')
  })

  it('does not go on with a role that was taken from it', async () => {
    const { key, primary, secondary } = pair()
    await primary.hold(TTL_MS)
    await ask('/v3/kv/deleterange', { key: Buffer.from(key).toString('base64') })
    assert.equal(await secondary.hold(TTL_MS), 'granted')
    assert.equal(await primary.hold(TTL_MS), 'heldByPeer')
  })

  it('gives up on an etcd that takes the connection and says nothing', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const witness = createEtcdWitness(
      { url: `http://127.0.0.1:${port}`, key: 'any' },
      () => 'primary',
    )
    const begin = performance.now()
    await assert.rejects(witness.hold(TTL_MS), { code: 'HS_TIMEOUT' })
    assert.ok(performance.now() - begin < 5000)
    silent.close()
  })

  it('logs why it cannot be asked, once until it was asked again', async () => {
    const { key } = pair()
    const { log, logger } = recordingLogger()
    const config = { url: `http://127.0.0.1:${await freePort()}`, key }
    const witness = createEtcdWitness(config, () => 'primary', logger)
    const refused = () => assert.rejects(witness.hold(TTL_MS), { code: 'HS_TIMEOUT' })
    await refused()
    await refused()
    assert.deepEqual(
      log.map(({ level, sentence }) => [level, sentence]),
      [['warn', 'the witness cannot be asked']],
    )
    assert.match(JSON.stringify(log[0]?.fields), /ECONNREFUSED/)
    Object.assign(config, { url })
    assert.equal(await witness.hold(TTL_MS), 'granted')
    Object.assign(config, { url: `http://127.0.0.1:${await freePort()}` })
    await refused()
    assert.equal(log.length, 2)
  })

  it('logs in where etcd wants it, and tells no secret when it is refused', async () => {
    await ask('/v3/auth/user/add', USER)
    await ask('/v3/auth/user/grant', { user: 'root', role: 'root' })
    await ask('/v3/auth/enable', {})
    const passwordFile = `${folder.path}/password`
    writeFileSync(passwordFile, `${USER.password}\n`, { mode: 0o600 })
    const withUser = { url, key: 'hot-standby/user', user: 'root', passwordFile }
    const witness = createEtcdWitness(withUser, () => 'primary')
    assert.equal(await witness.hold(TTL_MS), 'granted')
    assert.equal(await witness.hold(TTL_MS), 'granted')
    await assert.rejects(pair().primary.hold(TTL_MS), { code: 'HS_TIMEOUT' })
    writeFileSync(passwordFile, 'another-secret\n')
    await assert.rejects(
      createEtcdWitness(withUser, () => 'primary').hold(TTL_MS),
      (error: Error) =>
        /refused the login of root/.test(error.message) && !/another-secret/.test(error.message),
    )
  })

  async function versionOf(key: string): Promise<unknown> {
    const found = (await ask('/v3/kv/range', { key: Buffer.from(key).toString('base64') })) as {
      readonly kvs: readonly { readonly version: string }[]
    }
    return found.kvs[0]?.version
  }
})
