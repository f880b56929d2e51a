import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import express from 'express'
import { freePort } from '../../../examples/demo/postgres-cluster.ts'
import { createHotStandby, type HotStandby } from '../../../plugin/create-hot-standby.ts'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

const SWITCHOVERS = 4
const LONGEST_CHAIN = 20

describe('changes of users during a planned switchover', function () {
  this.timeout(120_000)
  let pair: AgentPair
  const webs: Web[] = []

  before(async () => {
    const webPort = await freePort('127.0.0.2')
    pair = await startAgentPair({
      ddl: 'create table extension (id serial primary key, number text)',
      webPort,
    })
    for (const server of [pair.primary, pair.secondary])
      webs.push(await startWeb(server, server.address.split(':')[0]!, webPort))
  })
  after(async () => {
    await Promise.all(webs.map((web) => web.close()))
    await pair?.close()
  })

  it('wait and go to the server that becomes active: none is refused, lost or made twice', async () => {
    let active = pair.primary
    for (let time = 0; time < SWITCHOVERS; time += 1) {
      const user = keepSaving(pair.virtualIp)
      await waitUntil('some saves', () => user.saved.length > 20)
      await pair.other(active).client.takeOver({ wait: true })
      active = pair.other(active)
      const before = user.saved.length
      await waitUntil('saves on the other server', () => user.saved.length > before + 20)
      await user.stop()
      await pair.whole(active)
      assert.deepEqual(user.refused, [])
      assert.ok(user.redirected > 0, 'a save was under way while the role moved')
      const rows = await active.sql<{ number: string }>('select number from extension')
      const numbers = rows.map((row) => row.number)
      assert.equal(new Set(numbers).size, numbers.length, 'a save was made twice')
      for (const number of user.saved) assert.ok(numbers.includes(number), `${number} is lost`)
    }
  })

  it('go on where they were when the switchover is taken back', async () => {
    const active = pair.primary
    await pair.whole(active)
    // A transaction that stays open keeps the active from being prepared.
    const release = await webs[0]!.holdOpen()
    const user = keepSaving(pair.virtualIp)
    await waitUntil('some saves', () => user.saved.length > 20)
    const attempt = pair.secondary.client.takeOver({ wait: true })
    await assert.rejects(attempt, /transactions are still open/)
    const before = user.saved.length
    await waitUntil('saves on the same server', () => user.saved.length > before + 20)
    await user.stop()
    await release()
    assert.deepEqual(user.refused, [])
    assert.equal((await active.client.status()).server.role, 'active')
    await pair.whole(active)
  })
})

interface Web {
  /** Opens a transaction that has written; the returned function ends it. */
  holdOpen(): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** The web process of one server. */
async function startWeb(server: PairServer, address: string, port: number): Promise<Web> {
  const hotStandby: HotStandby = createHotStandby({ socketPath: server.socketPath })
  await hotStandby.start()
  const app = express().use('/extensions', hotStandby.configLock, (request, response, next) => {
    server
      .sql(`insert into extension (number) values ('${request.query['number'] as string}')`)
      .then(() => response.status(201).end(), next)
  })
  const listener: Server = app.listen(port, address)
  await once(listener, 'listening')
  assert.equal((listener.address() as AddressInfo).port, port)
  return {
    async holdOpen() {
      const { Client } = (await import('pg')).default
      const client = new Client({ connectionString: server.databaseUrl })
      await client.connect()
      await client.query(`begin; insert into extension (number) values ('open')`)
      return async () => {
        await client.query('rollback')
        await client.end()
      }
    },
    async close() {
      listener.closeAllConnections()
      listener.close()
      await hotStandby.stop()
    },
  }
}

let number = 0

/** Saves one extension after the other through the virtual IP, each over a connection of its own, and follows where it is sent. */
function keepSaving({ address, port }: { readonly address: string; readonly port: number }) {
  const saved: string[] = []
  const refused: string[] = []
  let redirected = 0
  let running = true
  const save = async (next: string): Promise<void> => {
    let url = new URL(`http://${address}:${port}/extensions?number=${next}`)
    for (let step = 0; step < LONGEST_CHAIN; step += 1) {
      const answer = await post(url)
      // Between two holders nobody listens; whether a request that was cut off was made shows later.
      if (answer === null) return
      if (answer.statusCode === 201) return void saved.push(next)
      if (answer.statusCode !== 307) return void refused.push(`${next}: ${answer.text}`)
      redirected += 1
      url = new URL(answer.location!)
    }
    refused.push(`${next}: sent on ${LONGEST_CHAIN} times`)
  }
  const work = (async () => {
    while (running) await save(`s${++number}`)
  })()
  return {
    saved,
    refused,
    get redirected() {
      return redirected
    },
    async stop() {
      running = false
      await work
    },
  }
}

interface Answer {
  readonly statusCode: number
  readonly location: string | undefined
  readonly text: string
}

/** Null when the connection failed. */
async function post(url: URL): Promise<Answer | null> {
  const headers = { accept: 'application/json' }
  const request = httpRequest(url, { method: 'POST', agent: false, headers }).end()
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const { statusCode, headers } = response
    return { statusCode: statusCode!, location: headers.location, text: await text(response) }
  } catch {
    return null
  }
}
