import assert from 'node:assert/strict'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

const HOUR_MS = 3_600_000

describe('maintenance mode and the switch of automatic take-over', function () {
  this.timeout(120_000)
  let pair: AgentPair

  before(async () => {
    pair = await startAgentPair({ ddl: 'create table extension (number text primary key)' })
  })
  after(() => pair?.close())

  const untilBoth = async (
    what: string,
    holds: (server: PairServer) => Promise<boolean>,
  ): Promise<void> => {
    for (const server of [pair.primary, pair.secondary])
      await waitUntil(`${what} on the ${server.name}`, () => holds(server))
  }
  const maintenanceOf = async ({ client }: PairServer) => (await client.status()).maintenance

  it('begins on both servers, survives a restart of an agent, and nobody takes over', async () => {
    const lines: string[] = []
    const status = await runCli(
      ['--config', pair.secondary.configPath, 'maintenance', 'on', '--for', '1h'],
      { out: (line) => lines.push(line), err: (line) => lines.push(line), clear: () => undefined },
    )
    assert.equal(status, 0, lines.join('\n'))
    await untilBoth('maintenance', async (server) => (await maintenanceOf(server)) !== null)
    const until = Date.parse((await maintenanceOf(pair.primary))?.until ?? '')
    assert.ok(Math.abs(until - Date.now() - HOUR_MS) < 30_000)

    // The active server goes away for longer than the dead time, as in an upgrade.
    await pair.primary.stop()
    await waitUntil('the standby to miss its peer', async () => {
      const { peer } = await pair.secondary.client.status()
      return peer?.heard === false
    })
    const { server, blockers } = await pair.secondary.client.status()
    assert.equal(server.role, 'standby')
    assert.ok(blockers.some((blocker) => blocker.id === 'maintenance'))
    await pair.primary.start()
    const kept = await maintenanceOf(pair.primary)
    assert.ok(kept !== null && Math.abs(Date.parse(kept.until ?? '') - until) < 2000)
    await pair.primary.client.wait({ for: 'active', timeoutMs: 30_000 })
    await pair.primary.client.setMaintenance({ on: false })
    await untilBoth('the end', async (server) => (await maintenanceOf(server)) === null)
    await pair.whole()
    const { events } = await pair.secondary.client.events({ limit: 50 })
    const kinds = events.map((event) => event.kind)
    assert.ok(kinds.includes('maintenanceStarted') && kinds.includes('maintenanceEnded'))
  })

  it('pauses synchronisation when that was chosen, and goes on without a copy', async () => {
    await pair.primary.client.setMaintenance({
      on: true,
      durationMs: HOUR_MS,
      pauseSynchronisation: true,
    })
    await waitUntil('the pause', async () => {
      const { replication } = await pair.secondary.client.status()
      return replication.phase === 'paused'
    })
    await pair.primary.sql("insert into extension values ('while paused')")
    await assert.rejects(
      pair.secondary.client.wait({ for: 'in-sync', timeoutMs: 1500 }),
      (error: HotStandbyError) => error.code === 'HS_TIMEOUT' && /paused/.test(error.message),
    )
    assert.deepEqual(await pair.secondary.sql('select number from extension'), [])
    await pair.secondary.client.setMaintenance({ on: false })
    await pair.whole()
    assert.equal((await pair.secondary.sql('select number from extension')).length, 1)
    const { events } = await pair.secondary.client.events({ kind: 'resynchronisationStarted' })
    assert.equal(events.length, 1, 'only the copy of the pairing')
  })

  it('lasts until somebody ends it, when no end was given', async () => {
    await pair.primary.client.setMaintenance({ on: true, untilEnded: true })
    const isOpen = async (server: PairServer): Promise<boolean> => {
      const maintenance = await maintenanceOf(server)
      return maintenance?.until === null && maintenance.remainingMs === null
    }
    await untilBoth('maintenance without an end', isOpen)
    await pair.secondary.stop()
    await pair.secondary.start()
    assert.ok(await isOpen(pair.secondary), 'kept over a restart')
    const { events } = await pair.primary.client.events({ kind: 'maintenanceStarted', limit: 1 })
    assert.match(events[0]?.reason ?? '', /until somebody ends it/)
    await pair.secondary.client.wait({ for: 'standby', timeoutMs: 30_000 })
    await pair.secondary.client.setMaintenance({ on: false })
    await untilBoth('the end', async (server) => (await maintenanceOf(server)) === null)
    await pair.whole()
  })

  it('refuses wrong durations by name', async () => {
    const wrong: readonly { durationMs?: number; untilEnded?: true }[] = [
      { durationMs: 60_000 },
      { durationMs: 25 * HOUR_MS },
      { durationMs: Number.NaN },
      { durationMs: HOUR_MS, untilEnded: true },
      {},
    ]
    for (const length of wrong)
      await assert.rejects(
        pair.primary.client.setMaintenance({ on: true, ...length }),
        (error: HotStandbyError) => error.details.fields?.[0]?.field === 'durationMs',
      )
  })

  it('switched off, watches and says so, and does not act', async () => {
    await pair.primary.client.setAutomatic({ on: false })
    await untilBoth('the switch', async ({ client }) => {
      const { automaticTakeOver, blockers } = await client.status()
      return automaticTakeOver.state === 'off' && blockers.some(({ id }) => id === 'automaticOff')
    })
    await pair.primary.stop()
    await waitUntil('the refusal', async () => {
      const { events } = await pair.secondary.client.events({ kind: 'takeOverRefused' })
      return events.some((event) => event.reason.includes('switched off'))
    })
    assert.equal((await pair.secondary.client.status()).server.role, 'standby')
    await pair.primary.start()
    await pair.primary.client.wait({ for: 'active', timeoutMs: 30_000 })
    await pair.secondary.client.setAutomatic({ on: true })
    await untilBoth('the switch', async ({ client }) => {
      return (await client.status()).automaticTakeOver.state === 'on'
    })
    await pair.whole()
  })
})
