import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import supertest from 'supertest'
import { type PostgresCluster, startPostgresCluster } from '../../examples/demo/postgres-cluster.ts'
import { createPlatform, type Platform } from '../../examples/platform/create-platform.ts'
import type { StatusDocument } from '../../plugin/api/status-document.ts'
import { type ScriptedAgent, startScriptedAgent } from './scripted-agent.ts'

export const PASSWORD = 'let me in, please'
export const API_TOKEN = 'a-token-of-an-api-client-in-tests'

/** The example platform on a real PostgreSQL with a scripted agent. */
export interface WebPlatform {
  readonly agent: ScriptedAgent
  readonly platform: Platform
  readonly server: Server
  readonly url: string
  readonly databaseUrl: string
  /** Scripts the agent's status and waits until the platform has heard it. */
  setStatus(status: StatusDocument): Promise<void>
  /** A logged-in client with the session's cookies. */
  logIn(role: 'admin' | 'operator' | 'viewer'): Promise<supertest.Agent>
}

/** Starts it before the tests of the file and removes everything after them. */
export function useWebPlatform(): () => WebPlatform {
  let cluster: PostgresCluster | null = null
  let web: WebPlatform | null = null
  before(async function () {
    this.timeout(120_000)
    cluster = await startPostgresCluster({ durable: false })
    const agent = await startScriptedAgent()
    const platform = await createPlatform({
      name: 'PBX under test',
      listen: { host: '127.0.0.1', port: 0 },
      databaseUrl: cluster.url(),
      socketPath: agent.socketPath,
      sessionSecret: 'a secret of tests, long enough to be one',
      initialPassword: PASSWORD,
      initialApiToken: API_TOKEN,
    })
    const server = await new Promise<Server>((resolve) => {
      const listening = platform.app.listen(0, '127.0.0.1', () => resolve(listening))
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const logIn = (name: string) => logInAs(url, name)
    const setStatus = (status: StatusDocument) => hear(url, agent, status)
    web = { agent, platform, server, url, setStatus, databaseUrl: cluster.url(), logIn }
  })
  after(async function () {
    this.timeout(60_000)
    await web?.platform.close()
    web?.server.closeAllConnections()
    await new Promise((resolve) => web?.server.close(resolve))
    await web?.agent.close()
    await cluster?.destroy()
  })
  return () => web!
}

async function logInAs(url: string, name: string): Promise<supertest.Agent> {
  const client = supertest.agent(url)
  const page = await client.get('/login').expect(200)
  await client
    .post('/login')
    .type('form')
    .send({ _csrf: hidden(page.text, '_csrf'), name, password: PASSWORD, to: '/' })
    .expect(303)
  return client
}

/** Reading the status through the API renews what the lock and the banner know. */
async function hear(url: string, agent: ScriptedAgent, status: StatusDocument): Promise<void> {
  agent.setStatus(status)
  await supertest(url)
    .get('/system/hot-standby/api/status')
    .set('authorization', `Bearer ${API_TOKEN}`)
    .expect(200)
}

/** The value of a hidden field of a page. */
export function hidden(html: string, name: string): string {
  const match = new RegExp(`name="${name}" value="([^"]*)"`).exec(html)
  if (match?.[1] === undefined)
    throw new Error(`the page has no field ${name}: ${html.slice(0, 500)}`)
  return match[1]
}
