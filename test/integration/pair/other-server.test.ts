import assert from 'node:assert/strict'
import type { HistoryEntry } from '../../../plugin/api/status-document.ts'
import type { EventKind } from '../../../plugin/core/event-kinds.ts'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { fetchEvents } from '../../../plugin/node-agent/events-api.ts'
import { startPairWatch } from '../../../plugin/node-agent/pair-watch.ts'
import { createHistory } from '../../../plugin/notification/history.ts'
import { type AgentPair, startAgentPair } from '../../support/agent-pair.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { historyEntry } from '../../support/web-status.ts'

describe('each server tells of the other one', function () {
  this.timeout(120_000)
  let pair: AgentPair

  before(async () => {
    pair = await startAgentPair({ ddl: 'create table extension (number text primary key)' })
    await pair.whole()
  })
  after(async () => {
    await pair.close()
  })

  const eventsOf = async (server: string, limit = 100): Promise<readonly HistoryEntry[]> =>
    (await pair.primary.client.events({ server, limit })).events

  it('what works there, and since when it is what it is', async () => {
    for (const server of [pair.primary, pair.secondary]) {
      const other = await pair.other(server).client.status()
      await waitUntil(`${server.name} knows the other one`, async () => {
        const { peer } = await server.client.status()
        return peer?.databaseUp === true && peer.since !== null
      })
      const { peer } = await server.client.status()
      assert.ok(peer)
      // Both work it out from a monotonic clock and round on their own.
      assert.ok(Math.abs(Date.parse(peer.since ?? '') - Date.parse(other.server.since)) < 50)
      assert.equal(peer.serviceHealthy, other.server.serviceHealthy)
      assert.equal(peer.referenceReachable, other.server.referenceReachable)
      assert.equal(peer.carrierUp, other.server.carrierUp)
    }
  })

  it('its history, by the word peer, its host name or its id', async () => {
    const { server, peer } = await pair.primary.client.status()
    const { events: own } = await pair.secondary.client.events({ limit: 3 })
    const id = own[0]?.serverId ?? ''
    assert.notEqual(id, server.id)
    for (const name of ['peer', peer?.facts?.hostName ?? '', id])
      assert.deepEqual((await eventsOf(name)).slice(-own.length).length, own.length, name)
    assert.ok((await eventsOf('peer')).every((entry) => entry.serverId === id))
    assert.ok((await eventsOf(server.id)).every((entry) => entry.serverId === server.id))
    const filtered = await pair.primary.client.events({ server: 'peer', kind: 'paired' })
    assert.deepEqual(
      filtered.events.map(({ kind }) => kind),
      ['paired'],
    )
  })

  it('portion by portion, as much as was asked for', async () => {
    const all = Array.from({ length: 450 }, (_, index) => historyEntry(450 - index))
    const asked: unknown[] = []
    const client = {
      events(query: { limit?: number; before?: number; level?: string }) {
        asked.push(query)
        const older = all.filter(({ id }) => id < (query.before ?? Infinity))
        return Promise.resolve({ events: older.slice(0, query.limit) })
      },
    }
    assert.deepEqual(await fetchEvents(client, { level: 'alert' }, 1000), all)
    assert.deepEqual(asked, [
      { level: 'alert', limit: 200 },
      { level: 'alert', limit: 200, before: 251 },
      { level: 'alert', limit: 200, before: 51 },
    ])
    assert.deepEqual(await fetchEvents(client, { before: 400 }, 210), all.slice(51, 261))
  })

  it('for how long nobody would take over, once that lasts, and when somebody would again', async () => {
    const folder = temporaryFolder()
    const server = { serverId: 'watcher', hostName: 'watcher' }
    const history = await createHistory({ stateDirectory: folder.path, server: () => server })
    let status = await pair.primary.client.status()
    const limits = { unprotectedMs: 1500, behindMs: 60_000 }
    const watch = await startPairWatch({ history, status: () => status, limits: () => limits })
    const told = async (kind: EventKind): Promise<readonly HistoryEntry[]> => {
      status = await pair.primary.client.status()
      return history.list({ kind })
    }
    try {
      await pair.secondary.stop()
      await waitUntil('the first word', async () => (await told('notProtected')).length === 1)
      const [first] = await history.list({ kind: 'notProtected' })
      assert.match(first?.reason ?? '', /^for 0 minutes: .*other server/)
      await waitUntil('the second word', async () => (await told('notProtected')).length === 2)
      assert.deepEqual(await told('protectedAgain'), [])
      await pair.secondary.start()
      await waitUntil(
        'the all-clear',
        async () => (await told('protectedAgain')).length === 1,
        30_000,
      )
      assert.equal(status.health.word, 'healthy')
    } finally {
      watch.stop()
      await history.close()
      folder.remove()
    }
  })

  it('that nobody knows it while it is away; of the tables it still tells what is not there', async () => {
    await pair.secondary.stop()
    await waitUntil('the silence', async () => {
      const { peer } = await pair.primary.client.status()
      return peer?.heard === false && peer.databaseUp === null && peer.since === null
    })
    await assert.rejects(
      eventsOf('peer'),
      (error: HotStandbyError) => error.code === 'HS_PEER_UNREACHABLE',
    )
    const before = new Date().toISOString()
    await pair.primary.sql("insert into extension values ('1'), ('2')")
    const table = async () =>
      (await pair.primary.client.status()).replication.tables.find(
        ({ name }) => name === 'public.extension',
      )
    await waitUntil('two rows behind', async () => (await table())?.lag?.rows === 2)
    assert.ok(((await table())?.lastChangeAt ?? '') >= before)
    await pair.secondary.start()
    await pair.whole()
    await waitUntil('nothing behind', async () => (await table())?.lag?.rows === 0)
    const theirs = (await pair.secondary.client.status()).replication.tables
    assert.ok(theirs.every(({ lag }) => lag !== undefined))
    await waitUntil('the same on the standby', async () => {
      const { replication } = await pair.secondary.client.status()
      return replication.tables.every(({ lag }) => lag?.rows === 0)
    })
  })
})
