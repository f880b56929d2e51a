import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import type { DrillReport } from '../../../plugin/api/drill-report.ts'
import type { HotStandbyError } from '../../../plugin/errors.ts'
import { type AgentPair, type PairServer, startAgentPair } from '../../support/agent-pair.ts'
import { startSmtpSink, type SmtpSink } from '../../support/smtp-sink.ts'
import { waitUntil } from '../../support/wait-until.ts'

describe('the rehearsal of a take-over', function () {
  this.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'hs-drill-'))
  const health = join(folder, 'health')
  const ran = join(folder, 'ran')
  let smtp: SmtpSink
  let pair: AgentPair

  before(async () => {
    smtp = await startSmtpSink()
    writeFileSync(health, `#!/bin/sh\necho health >> ${ran}\nexit 0\n`, { mode: 0o755 })
    const mustNotRun = join(folder, 'switch')
    writeFileSync(mustNotRun, `#!/bin/sh\necho "$1" >> ${ran}\n`, { mode: 0o755 })
    pair = await startAgentPair({
      ddl: 'create table extension (id serial primary key, number text)',
      config: {
        services: { start: [mustNotRun, 'start'], stop: [mustNotRun, 'stop'], health: [health] },
        smtp: { host: '127.0.0.1', port: smtp.port, from: 'pbx@example.com' },
      },
    })
  })
  after(async () => {
    await pair?.close()
    await smtp?.close()
    rmSync(folder, { recursive: true })
  })

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
  const lastDrill = async (server: PairServer): Promise<DrillReport> => {
    const report = (await server.client.status()).lastDrill
    assert.ok(report)
    return report
  }
  const failedSteps = ({ steps }: DrillReport): readonly string[] =>
    steps.filter(({ result }) => result === 'failed').map(({ id }) => id)
  /** What a switch would change on each server: role, term, and the commands of the services. */
  const whoServes = async () => ({
    roles: await Promise.all(
      [pair.primary, pair.secondary].map(async ({ client }) => {
        const { server } = await client.status()
        return [server.role, server.term, server.state]
      }),
    ),
    switched: readFileSync(ran, { encoding: 'utf8', flag: 'a+' }).match(/start|stop/g)?.length,
  })

  it('tries every step on the standby, from either server, and changes nothing for users', async () => {
    const before = await whoServes()
    const load = keepUsing(pair)
    await waitUntil('some writes', () => load.done() > 20)
    for (const server of [pair.primary, pair.secondary]) {
      const { status, text } = await cli(server, 'drill')
      assert.equal(status, 0, text)
      assert.match(text, /A take-over of secondary would work/)
      const report = await lastDrill(server)
      assert.deepEqual(failedSteps(report), [])
      assert.ok(report.ok)
      assert.deepEqual(
        report.steps.filter(({ result }) => result === 'skipped'),
        [],
      )
      assert.equal(report.steps.length, 13)
      assert.equal(report.hostName, 'secondary')
      assert.equal(report.by, 'cli')
      assert.ok(report.drainMs !== null && report.drainMs < 5000)
      const { plannedMs, failoverMs } = report.expectedOutage
      assert.ok(plannedMs !== null && plannedMs >= report.drainMs)
      assert.ok(failoverMs !== null && failoverMs > 5000 && failoverMs < 10_000)
    }
    const { requests, failures } = await load.stop()
    assert.deepEqual(failures, [])
    assert.ok(requests > 20)
    assert.deepEqual(await whoServes(), before)
    assert.match(readFileSync(ran, 'utf8'), /health/)
    assert.equal(smtp.mails.length, 0, 'a rehearsal sends no mail')
    const { events } = await pair.secondary.client.events({ kind: 'drillDone' })
    assert.equal(events.length, 2)
  })

  it('keeps the report over a restart', async () => {
    const before = await lastDrill(pair.secondary)
    await pair.secondary.stop()
    await pair.secondary.start()
    await pair.whole()
    assert.deepEqual(await lastDrill(pair.secondary), before)
  })

  it('names each step that fails with its remedy, and tells the contacts', async () => {
    chmodSync(health, 0o644)
    await smtp.close()
    await pair.primary.client.setMaintenance({ on: true, durationMs: 3_600_000 })
    await waitUntil(
      'maintenance on the standby',
      async () => (await pair.secondary.client.status()).maintenance !== null,
    )
    // A row that only the standby has: the check must see it.
    await pair.secondary.sql(
      "set session_replication_role = replica; insert into extension values (999999, 'stray')",
    )
    const { status, text } = await cli(pair.primary, 'drill')
    assert.equal(status, 1, text)
    const report = await lastDrill(pair.primary)
    assert.deepEqual(failedSteps(report), ['blockers', 'data', 'services', 'mail'])
    for (const step of report.steps)
      assert.equal(step.remedy !== null, step.result === 'failed', step.id)
    assert.match(
      text,
      /failed {2}The commands of the telephony service would run: services\.health/,
    )
    assert.match(text, /different: public\.extension/)
    const { events } = await pair.secondary.client.events({ kind: 'drillFailed' })
    assert.equal(events.length, 1)
    await pair.primary.client.setMaintenance({ on: false })
    await pair.secondary.client.check({ repair: true })
    chmodSync(health, 0o755)
    await pair.whole()
  })

  it('fails what needs the active when that is silent, and refuses where there is no standby', async () => {
    await pair.primary.client.setMaintenance({ on: true, durationMs: 3_600_000 })
    await waitUntil(
      'maintenance on the standby',
      async () => (await pair.secondary.client.status()).maintenance !== null,
    )
    await pair.primary.stop() // in maintenance it hands over to nobody
    const { status, text } = await cli(pair.secondary, 'drill')
    assert.equal(status, 1, text)
    const failed = failedSteps(await lastDrill(pair.secondary))
    assert.deepEqual(failed, ['blockers', 'peer', 'drain', 'data', 'virtualIp', 'clock', 'mail'])
    await pair.secondary.stop()
    await pair.primary.start()
    await pair.primary.client.wait({ for: 'active', timeoutMs: 30_000 })
    await assert.rejects(
      pair.primary.client.drill({ wait: true }),
      (error: HotStandbyError) => error.code === 'HS_PEER_UNREACHABLE',
    )
  })
})

/** Writes to the active's database and opens connections to the virtual IP without a break. */
function keepUsing({ primary, virtualIp }: AgentPair) {
  let requests = 0
  let running = true
  const failures: unknown[] = []
  const run = async (request: () => Promise<unknown>): Promise<void> => {
    while (running) {
      try {
        await request()
        requests++
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const write = () => primary.sql("insert into extension (number) values ('n')")
  const reach = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host: virtualIp.address, port: virtualIp.port })
      socket.once('connect', () => {
        socket.destroy()
        resolve()
      })
      socket.once('error', reject)
    })
  const work = Promise.all([run(write), run(reach)])
  return {
    done: () => requests,
    async stop() {
      running = false
      await work
      return { requests, failures }
    },
  }
}
