import assert from 'node:assert/strict'
import { hostAndPort } from './addresses.ts'
import { CommandRefused } from './hot-standby-command.ts'
import { countRows, firstDifference, readRows, withClient } from './database-rows.ts'
import { DEAD_TIME_MS, type DemoPair } from './demo-pair.ts'
import { API_TOKEN, type PbxServer } from './pbx-server.ts'
import { createPlatformClient, PlatformRefused } from './platform-client.ts'
import type { StatusSummary } from './status-summary.ts'
import { until } from './until.ts'

/** Beyond the dead time: guards, promotion of the data, and the virtual IP. */
export const TAKE_OVER_ALLOWANCE_MS = 1000
const VISIBLE_LIMIT_MS = 1000
const LIMIT_MS = 60_000
/** Longer than allowed, so that a failing step can say how long it took. */
const FAILOVER_LIMIT_MS = 20_000
const EXTENSIONS_BEFORE_PAIRING = 200

/** Runs one step: prints its title with the time, throws when it does not hold. A returned string is printed too. */
export type Step = (title: string, run: () => Promise<string | undefined>) => Promise<void>

interface Expected {
  readonly number: string
  readonly name: string
}

/** The whole life of a pair, unattended. Every edit that the platform acknowledged is looked for at the end. */
export async function playStory(pair: DemoPair, step: Step): Promise<void> {
  const { primary, secondary, mailSink } = pair
  const onPrimary = createPlatformClient(primary.url, API_TOKEN)
  const onSecondary = createPlatformClient(secondary.url, API_TOKEN)
  const virtual = createPlatformClient(pair.virtualUrl, API_TOKEN)
  const edits = new Map<number, Expected>()
  const add = async (client: typeof virtual, number: string, name: string): Promise<number> => {
    const id = await client.create('extensions', extension(number, name))
    edits.set(id, { number, name })
    return id
  }
  let edited = 0

  await step('The PBX is in use before it becomes a pair', async () => {
    for (let index = 0; index < EXTENSIONS_BEFORE_PAIRING; index++)
      await add(onPrimary, String(20_000 + index), `Before pairing ${index}`)
    return `${EXTENSIONS_BEFORE_PAIRING} extensions`
  })

  await step('A wrong access code is refused and changes nothing', async () => {
    const wrong = ['join', '--peer', peerOf(primary), '--access-code', 'AAAA-AAAA-AAAA-AAAA']
    await secondary.command('setup', 'secondary')
    const refused = await secondary.command(...wrong).then(() => null, asRefusal)
    assert.equal(refused?.status, 1, 'the command must end with status 1')
    assert.equal(refused.code, 'HS_ACCESS_CODE_REFUSED')
    assert.notEqual((await statusOf(secondary)).setUp, 'paired')
    return refused.code
  })

  await step('Pair the two servers', async () => {
    await pair.pair()
    await until(
      'pairing on both sides',
      async () => {
        const both = await Promise.all([statusOf(primary), statusOf(secondary)])
        return both.every((status) => status.setUp === 'paired')
      },
      LIMIT_MS,
    )
    return undefined
  })

  await step('Initial copy', async () => {
    await secondary.command('wait', '--for', 'in-sync', '--timeout', '60')
    return `${await assertIdentical(pair)} rows identical on both servers`
  })

  await step('The virtual address leads to the active server', async () => {
    await until('answer at the virtual address', () => isServedBy(virtual, primary), LIMIT_MS)
    await assertRoles(primary, secondary)
    return `${virtual.url} is served by ${primary.name}`
  })

  await step('Edit on the active, see it on the standby', async () => {
    edited = await add(virtual, '3001', 'Grace Hopper')
    const savedAt = performance.now()
    await until(
      'extension 3001 in the database of the standby',
      () => hasExtension(secondary, edited, 'Grace Hopper'),
      VISIBLE_LIMIT_MS,
    )
    const tookMs = performance.now() - savedAt
    const seen = (await onSecondary.list('extensions')).find((row) => row.id === edited)
    assert.equal(seen?.['name'], 'Grace Hopper', 'the page of the standby must show it too')
    return `visible after ${tookMs.toFixed(0)} ms`
  })

  await step('Edit on the standby is refused', async () => {
    const refused = await onSecondary
      .update('extensions', edited, { name: 'Changed on the standby' })
      .then(() => null, asPlatformRefusal)
    assert.equal(refused?.status, 423)
    const sqlState = await writeInDatabase(secondary, edited)
    assert.ok(await hasExtension(secondary, edited, 'Grace Hopper'))
    return `by the platform with 423, by the database with SQLSTATE ${sqlState}`
  })

  let killedAt = 0
  await step('Kill the active: kill -9 of agent, web and PostgreSQL', async () => {
    killedAt = Date.now()
    await primary.kill()
    return primary.name
  })

  await step('Failover: the virtual address works again', async () => {
    await until('answer of the new active', () => isServedBy(virtual, secondary), FAILOVER_LIMIT_MS)
    const tookMs = Date.now() - killedAt
    assert.ok(
      tookMs <= DEAD_TIME_MS + TAKE_OVER_ALLOWANCE_MS,
      `it took ${tookMs} ms, more than the dead time of ${DEAD_TIME_MS} ms and ${TAKE_OVER_ALLOWANCE_MS} ms`,
    )
    const { lastTakeOver } = await statusOf(secondary)
    assert.equal(lastTakeOver?.kind, 'failover')
    return `after ${(tookMs / 1000).toFixed(1)} s; why: ${lastTakeOver.reason}`
  })

  await step('The mail has arrived', async () => {
    const mail = await mailSink.waitFor(/failover/iu, killedAt, LIMIT_MS)
    return `"${mail.subject}" to ${mail.to.join(', ')}`
  })

  await step('Edit on the new active', async () => {
    await until(
      'extension that can be created',
      () => add(virtual, '3002', 'Alan Turing'),
      LIMIT_MS,
    )
    await virtual.update('extensions', edited, { name: 'Rear Admiral Hopper' })
    edits.set(edited, { number: '3001', name: 'Rear Admiral Hopper' })
    return undefined
  })

  await step('Restart the killed server: it stays standby and follows', async () => {
    await primary.start()
    await primary.command('wait', '--for', 'in-sync', '--timeout', '60')
    await assertRoles(secondary, primary)
    assert.ok(await isServedBy(virtual, secondary))
    assert.ok(await hasExtension(primary, edited, 'Rear Admiral Hopper'))
    return undefined
  })

  await step('The configuration of the returned server is locked', async () => {
    const refused = await onPrimary
      .update('extensions', edited, { name: 'Changed on the old primary' })
      .then(() => null, asPlatformRefusal)
    assert.equal(refused?.status, 423)
    const { configLock } = await statusOf(primary)
    assert.ok(configLock.locked && configLock.reasons.length > 0)
    return configLock.reasons.join('; ')
  })

  await step('Take-over by the primary, with the edits made meanwhile', async () => {
    await add(virtual, '3003', 'Edsger Dijkstra')
    const startedAt = performance.now()
    await primary.command('take-over')
    await until('answer of the primary', () => isServedBy(virtual, primary), LIMIT_MS)
    await assertRoles(primary, secondary)
    return `in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  })

  await step('Edit on the primary again', async () => {
    await add(virtual, '3004', 'Barbara Liskov')
    await secondary.command('wait', '--for', 'in-sync', '--timeout', '60')
    return undefined
  })

  await step('Nothing lost: every acknowledged edit is on both servers', async () => {
    const count = await assertIdentical(pair)
    for (const client of [onPrimary, onSecondary]) {
      const rows = new Map((await client.list('extensions')).map((row) => [row.id, row]))
      for (const [id, { number, name }] of edits) {
        assert.equal(rows.get(id)?.['name'], name, `extension ${number} on ${client.url}`)
        assert.equal(rows.get(id)?.['number'], number)
      }
    }
    const report = await secondary.command<{ differences: unknown[]; rows: number }>('check')
    assert.deepEqual(report.differences, [])
    return `${edits.size} edits, ${count} rows identical`
  })
}

function extension(number: string, name: string): Record<string, string> {
  return { number, name, secret: 'a registration password' }
}

function peerOf(server: PbxServer): string {
  return hostAndPort(server.addresses.agentHost, server.addresses.agentPort)
}

function statusOf(server: PbxServer): Promise<StatusSummary> {
  return server.command<StatusSummary>('status')
}

async function assertRoles(active: PbxServer, standby: PbxServer): Promise<void> {
  const [one, other] = await Promise.all([statusOf(active), statusOf(standby)])
  assert.equal(one.server.role, 'active', `${active.name} must be active: ${one.server.reason}`)
  assert.equal(
    other.server.role,
    'standby',
    `${standby.name} must be standby: ${other.server.reason}`,
  )
}

/** The log-in page carries the name of the server that made it. */
async function isServedBy(
  client: { get(path: string): Promise<{ status: number; text: string }> },
  server: PbxServer,
): Promise<boolean> {
  const page = await client.get('/login')
  return page.status === 200 && page.text.includes(server.name)
}

async function hasExtension(server: PbxServer, id: number, name: string): Promise<boolean> {
  return withClient(server.database(), async (client) => {
    const { rowCount } = await client.query(
      'select from public.extensions where id = $1 and name = $2',
      [id, name],
    )
    return rowCount === 1
  })
}

/** As the platform's own role, past the web. Answers the SQLSTATE with which the database refuses. */
async function writeInDatabase(server: PbxServer, id: number): Promise<string> {
  const { connectionString } = server.database()
  const asPlatform = { connectionString: connectionString?.replace('//postgres@', '//pbx@') }
  return withClient(asPlatform, async (client) => {
    const refused = await client
      .query('update public.extensions set name = $2 where id = $1', [id, 'Changed by SQL'])
      .then(
        () => null,
        (thrown: unknown) => thrown as { readonly code: string },
      )
    assert.ok(refused !== null, 'the database of the standby must refuse the write')
    return refused.code
  })
}

async function assertIdentical(pair: DemoPair): Promise<number> {
  const rows = await Promise.all([
    readRows(pair.primary.database()),
    readRows(pair.secondary.database()),
  ])
  assert.equal(firstDifference(rows[0], rows[1]), null)
  return countRows(rows[0])
}

function asRefusal(thrown: unknown): CommandRefused {
  if (thrown instanceof CommandRefused) return thrown
  throw thrown
}

function asPlatformRefusal(thrown: unknown): PlatformRefused {
  if (thrown instanceof PlatformRefused) return thrown
  throw thrown
}
