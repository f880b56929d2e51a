import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApiServer, startApiServer } from '../../../plugin/agent/api-server.ts'
import type { AgentApi, EventsQuery } from '../../../plugin/api/agent-api.ts'
import { type AgentClient, createAgentClient } from '../../../plugin/api/agent-client.ts'
import { createHistory, type FileHistory } from '../../../plugin/notification/history.ts'
import { temporaryFolder } from '../../support/channel.ts'

const ENTRIES = 100_000
const LIMIT_MS = 50
const KINDS = ['heartbeatLate', 'peerLost', 'peerBack', 'writeRefused'] as const
const START = Date.parse('2026-01-01T00:00:00Z')

describe('a history of 100,000 events', function () {
  this.timeout(60_000)
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let history: FileHistory
  let server: ApiServer
  let client: AgentClient

  before(async () => {
    folder = await temporaryFolder()
    await writeHistory(join(folder.path, 'history.1.jsonl'), 1, ENTRIES / 2)
    await writeHistory(join(folder.path, 'history.jsonl'), ENTRIES / 2 + 1, ENTRIES)
    history = await createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-a', hostName: 'pbx-a' }),
    })
    const api = {
      events: async (query?: EventsQuery) => ({ events: await history.list(query) }),
    } as AgentApi
    const socketPath = join(folder.path, 'agent.sock')
    server = await startApiServer({ socketPath, api, subscribe: () => () => undefined })
    client = createAgentClient(socketPath)
  })
  after(async () => {
    await server.close()
    await history.close()
    await folder.remove()
  })

  /** The middle of several, since one can meet the garbage collector or another process. */
  const medianMs = async (query: EventsQuery, expected: readonly number[]): Promise<number> => {
    const times: number[] = []
    for (let n = 0; n < 9; n += 1) {
      const startedAt = performance.now()
      const { events } = await client.events(query)
      times.push(performance.now() - startedAt)
      assert.deepEqual(
        events.slice(0, expected.length).map(({ id }) => id),
        expected,
      )
    }
    return times.sort((a, b) => a - b)[4] ?? Infinity
  }

  const cases: readonly (readonly [string, EventsQuery, readonly number[]])[] = [
    ['the newest page', {}, [100_000, 99_999]],
    ['a page in the middle', { before: 40_001, limit: 100 }, [40_000, 39_999]],
    ['a rare kind at the far end', { kind: 'paired' }, [1]],
    ['what there is not', { kind: 'splitFound' }, []],
    ['a level, spread over everything', { level: 'alert', before: 50_000 }, [49_998, 49_994]],
    ['a day of the past', { until: new Date(START + 5000).toISOString(), limit: 3 }, [5, 4, 3]],
    ['another server', { server: 'pbx-b', before: 70_000 }, []],
  ]
  for (const [what, query, expected] of cases)
    it(`answers ${what} within ${LIMIT_MS} ms`, async () => {
      const ms = await medianMs(query, expected)
      assert.ok(ms < LIMIT_MS, `${ms.toFixed(1)} ms`)
    })
})

async function writeHistory(path: string, from: number, to: number): Promise<void> {
  const file = await open(path, 'w', 0o600)
  for (let first = from; first <= to; first += 5000) {
    const lines: string[] = []
    for (let id = first; id < Math.min(first + 5000, to + 1); id += 1)
      lines.push(`${JSON.stringify(entry(id))}\n`)
    await file.appendFile(lines.join(''))
  }
  await file.close()
}

function entry(id: number): object {
  const kind = id === 1 ? 'paired' : KINDS[(id - 1) % KINDS.length]
  return {
    id,
    at: new Date(START + (id - 1) * 1000).toISOString(),
    serverId: 'server-a',
    hostName: 'pbx-a',
    kind,
    level: kind === 'peerLost' ? 'alert' : 'information',
    title: 'Heartbeats come late',
    reason: `the ${id}th event of a long life, with a reason of the usual length`,
    meaning: 'Calls go on.',
    advice: 'Look at the load of both servers and at the network between them.',
    data: { term: 7, state: 'standby' },
    actor: null,
  }
}
