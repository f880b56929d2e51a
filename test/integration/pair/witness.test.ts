import assert from 'node:assert/strict'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { type Etcd, startEtcd } from '../../support/etcd.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { waitUntil } from '../../support/wait-until.ts'

describe('a pair with a witness', function () {
  this.timeout(120_000)
  const folder = temporaryFolder()
  let etcd: Etcd | null = null
  let pair: AgentPair | null = null

  before(async function () {
    etcd = await startEtcd(folder.path)
    if (etcd === null) return this.skip()
    const witness = { url: etcd.url, key: 'hot-standby/pair' }
    pair = await startAgentPair({
      ddl: 'create table extension (number text primary key)',
      config: { witness },
    })
    await pair.whole()
  })
  after(async () => {
    await pair?.close()
    await etcd?.kill()
    folder.remove()
  })

  const hasRole = (server: PairServer): Promise<void> =>
    waitUntil(
      `${server.name} has the role`,
      async () => (await server.client.status()).witness === 'hasRole',
      20_000,
    )

  it('keeps the role there for the active, and moves it with a take-over', async () => {
    const { primary, secondary } = pair!
    await hasRole(primary)
    assert.equal((await secondary.client.status()).witness, 'notAsked')
    const { checks } = await secondary.client.doctor()
    const found = checks.find(({ id }) => id === 'witness')
    assert.match(`${found?.result} ${found?.detail}`, /^ok .*the primary has the role/)
    await secondary.client.takeOver({ wait: true })
    await hasRole(secondary)
    await pair!.whole(secondary)
  })

  it('is told when it is lost and back, and nothing else changes', async () => {
    const { secondary } = pair!
    const told = async (kind: string): Promise<number> =>
      (await secondary.client.events({ kind })).events.length
    await etcd!.kill()
    await waitUntil('the word', async () => (await told('witnessLost')) === 1, 20_000)
    assert.equal((await secondary.client.status()).witness, 'lost')
    const { server, peer } = await secondary.client.status()
    assert.deepEqual([server.role, peer?.role], ['active', 'standby'])
    await etcd!.start()
    await waitUntil('the all-clear', async () => (await told('witnessBack')) === 1, 20_000)
    await hasRole(secondary)
    assert.equal(await told('steppedDown'), 0)
    await pair!.whole(secondary)
  })
})
