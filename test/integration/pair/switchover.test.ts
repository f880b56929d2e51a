import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

describe('switchover', function () {
  this.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'hs-calls-'))
  const calls = join(folder, 'calls')
  let pair: AgentPair

  before(async () => {
    writeFileSync(calls, '0\n')
    pair = await startAgentPair({
      ddl: 'create table extension (id serial primary key, number text)',
      config: { services: { calls: ['cat', calls] } },
    })
  })
  after(async () => {
    await pair?.close()
    rmSync(folder, { recursive: true })
  })

  const stepsOf = async ({ client }: PairServer): Promise<string> =>
    ((await client.status()).operation?.steps ?? []).map((step) => step.text).join('\n')
  const cli = async (server: PairServer, ...words: string[]) => {
    const lines: string[] = []
    const line = (text: string): void => void lines.push(text)
    const status = await runCli(['--config', server.configPath, ...words], {
      out: line,
      err: line,
      clear: () => undefined,
    })
    return { status, text: lines.join('\n') }
  }

  it('moves the role from either server, loses and doubles nothing, and shows each step', async () => {
    let active = pair.primary
    for (const asked of ['active', 'standby', 'active'] as const) {
      const writer = keepWriting(active)
      await waitUntil('some writes', () => writer.written.length > 5)
      const server = asked === 'active' ? active : pair.other(active)
      const { status, text } = await cli(server, 'switchover')
      assert.equal(status, 0, text)
      assert.match(text, /writes are locked|take-over:/)
      await writer.stop()
      active = pair.other(active)
      await pair.whole(active)
      const rows = await active.sql<{ number: string }>('select number from extension')
      const numbers = rows.map((row) => row.number)
      for (const number of writer.written) assert.ok(numbers.includes(number), `${number} is lost`)
      assert.equal(new Set(numbers).size, numbers.length, 'a write is there twice')
      assert.equal(writer.otherErrors.length, 0, String(writer.otherErrors[0]))
    }
    const { lastTakeOver } = await active.client.status()
    assert.equal(lastTakeOver?.kind, 'takeOver')
    await active.client.switchOver({ wait: true })
    await pair.whole(pair.other(active))
  })

  it('waits for calls to end, can be called off, and gives up in time', async () => {
    writeFileSync(calls, '2\n')
    const begun = pair.secondary.client.switchOver({ whenIdle: true, wait: true })
    await waitUntil('the wait', async () => (await stepsOf(pair.secondary)).includes('2 calls'))
    await pair.secondary.client.cancelSwitchover()
    await assert.rejects(begun, (error: HotStandbyError) => error.code === 'HS_CANCELLED')
    await assert.rejects(
      pair.primary.client.switchOver({ whenIdle: true, withinMs: 1000, wait: true }),
      (error: HotStandbyError) => error.code === 'HS_TIMEOUT' && /2 calls/.test(error.message),
    )
    const waiting = pair.primary.client.switchOver({ whenIdle: true, wait: true })
    await waitUntil('the wait', async () => (await stepsOf(pair.primary)).includes('2 calls'))
    writeFileSync(calls, '0\n')
    await waiting
    await pair.whole(pair.secondary)
    await pair.primary.client.takeOver({ wait: true })
    await pair.whole()
  })

  it('refuses when a blocker stands, and names each', async () => {
    await pair.primary.client.setMaintenance({ on: true, durationMs: 3_600_000 })
    for (const server of [pair.primary, pair.secondary]) {
      await waitUntil(
        'maintenance',
        async () => (await server.client.status()).maintenance !== null,
      )
      await assert.rejects(server.client.switchOver({ wait: true }), (error: HotStandbyError) => {
        return error.code === 'HS_TAKE_OVER_REFUSED' && /maintenance mode/.test(error.message)
      })
    }
    await pair.primary.client.setMaintenance({ on: false })
    await pair.whole()
  })

  it('says what a forced take-over would lose, and does it only when confirmed', async () => {
    const { status, text } = await cli(pair.secondary, 'take-over', '--force')
    assert.equal(status, 1)
    assert.match(text, /nothing is lost|are not on this one/i)
    assert.match(text, /--yes/)
    assert.equal((await pair.secondary.client.status()).server.role, 'standby')
    const done = await cli(pair.secondary, 'take-over', '--force', '--yes')
    assert.equal(done.status, 0, done.text)
    await pair.whole(pair.secondary)
    assert.equal((await cli(pair.primary, 'switchover')).status, 0)
    await pair.whole()
  })

  it('takes all back when a step fails: the active goes on', async () => {
    // A writer that does not end keeps the hand-over from its final position.
    const { default: pg } = await import('pg')
    const writer = new pg.Client(pair.primary.databaseUrl)
    writer.on('error', () => undefined)
    await writer.connect()
    await writer.query("begin; insert into extension (number) values ('slow')")
    await assert.rejects(
      pair.primary.client.switchOver({ wait: true }),
      (error: HotStandbyError) => error.code === 'HS_TAKE_OVER_FAILED',
    )
    await writer.query('rollback')
    await writer.end()
    await pair.whole()
    await pair.primary.sql("insert into extension (number) values ('goes on')")
    const { events } = await pair.secondary.client.events({ kind: 'takeOverRolledBack' })
    assert.equal(events.length, 1)
  })
})

let number = 0

/** Writes to one server's database as the web platform would, until it is locked. */
function keepWriting(server: PairServer) {
  const written: string[] = []
  const otherErrors: unknown[] = []
  let running = true
  const work = (async () => {
    while (running) {
      const next = `n${++number}`
      try {
        await server.sql(`insert into extension (number) values ('${next}')`)
        written.push(next)
      } catch (error) {
        if ((error as { code?: string }).code !== 'HS423') otherErrors.push(error)
        return
      }
    }
  })()
  return {
    written,
    otherErrors,
    async stop() {
      running = false
      await work
    },
  }
}
