import assert from 'node:assert/strict'
import { runCli } from '../../../plugin/cli/run-cli.ts'
import { type AgentPair, startAgentPair } from '../../support/agent-pair.ts'
import { waitUntil } from '../../support/wait-until.ts'

describe('unsent changes after a failover', function () {
  this.timeout(120_000)
  let pair: AgentPair

  before(async () => {
    pair = await startAgentPair({
      ddl: `create table extension (number text primary key, name text, pin int)`,
    })
    await pair.primary.sql(
      "insert into extension select n::text, 'n' || n, n from generate_series(1, 5) n",
    )
    await pair.whole()
  })
  after(() => pair?.close())

  const cli = async (...words: string[]) => {
    const lines: string[] = []
    const line = (text: string): void => void lines.push(text)
    const status = await runCli(['--config', pair.primary.configPath, 'unsent', ...words], {
      out: line,
      err: line,
      clear: () => undefined,
    })
    return { status, text: lines.join('\n') }
  }
  const extensions = async (server: AgentPair['primary']) =>
    (
      await server.sql<{ row: string }>('select e::text as row from extension e order by number')
    ).map(({ row }) => row)

  it('are listed beside what won, applied again on the active, and come to both servers', async () => {
    const { primary, secondary } = pair
    // The standby stops applying; what the active writes now has not reached it when it takes over.
    await primary.client.setMaintenance({
      on: true,
      durationMs: 3_600_000,
      pauseSynchronisation: true,
    })
    await waitUntil('the pause', async () => {
      return (await secondary.client.status()).replication.phase === 'paused'
    })
    await primary.sql(`update extension set name = 'lost 1' where number = '1';
      update extension set name = 'lost 2' where number = '2';
      delete from extension where number = '3'; insert into extension values ('9', 'lost new', 9)`)
    await primary.stop()
    await secondary.client.takeOver({ force: true, wait: true })
    await secondary.sql("update extension set name = 'won 2' where number = '2'")
    await secondary.client.setMaintenance({ on: false })
    await primary.start()
    await pair.whole(secondary)
    assert.deepEqual(await extensions(primary), await extensions(secondary))
    const { events } = await primary.client.events({ kind: 'resynchronisationStarted' })
    assert.deepEqual(events, [], 'the way back needs no copy afresh')

    await waitUntil('what won', async () => {
      return (await secondary.client.unsent()).changes.every((change) => change.isWinnerKnown)
    })
    const { changes } = await secondary.client.unsent()
    assert.equal((await primary.client.status()).unsentChanges, 4)
    const told = changes.map(({ key, kind, loser, winner, winnerChanged }) => [
      key[0],
      kind,
      loser?.['name'] ?? null,
      winner?.['name'] ?? null,
      winnerChanged,
    ])
    assert.deepEqual(
      told.sort((one, other) => String(one[0]).localeCompare(String(other[0]))),
      [
        ['1', 'row', 'lost 1', 'n1', false],
        ['2', 'row', 'lost 2', 'won 2', true],
        ['3', 'deleted', null, 'n3', false],
        ['9', 'row', 'lost new', null, false],
      ],
    )
    const listed = await cli()
    assert.match(listed.text, /p\d+ {2}public\.extension \(2\) changed[\s\S]*won 2/)
    assert.equal((await cli('reapply')).status, 1, 'neither --id nor --all')

    // Asked on the standby, done by the active.
    const applied = await cli('reapply', '--all')
    assert.equal(applied.status, 1, 'one is in conflict')
    assert.match(applied.text, /Applied again: 3[\s\S]*changed this row since it took over/)
    await primary.client.wait({ for: 'in-sync', timeoutMs: 20_000 })
    for (const server of [primary, secondary])
      assert.deepEqual(await extensions(server), [
        '(1,"lost 1",1)',
        '(2,"won 2",2)',
        '(4,n4,4)',
        '(5,n5,5)',
        '(9,"lost new",9)',
      ])
    const [left] = (await primary.client.unsent()).changes
    assert.equal((await cli('discard', '--id', left!.id)).status, 0)
    assert.deepEqual((await secondary.client.unsent()).changes, [])
    assert.equal((await primary.client.status()).unsentChanges, 0)
  })
})
