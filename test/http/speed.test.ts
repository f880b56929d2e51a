import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createHistory, type FileHistory } from '../../plugin/notification/history.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { historyLines } from '../support/history-lines.ts'
import { BASE } from '../support/plugin-routes.ts'
import { assertPrompt, LONGEST_MS, PROMPT_PAGES } from '../support/prompt-pages.ts'
import { useWebPlatform } from '../support/web-platform.ts'
import { pairedStatus } from '../support/web-status.ts'

const EVENTS = 100_000
const TABLES = 500
describe(`pages with ${TABLES} tables and ${EVENTS.toLocaleString('en')} events`, function () {
  this.timeout(120_000)
  const web = useWebPlatform()
  const folder = temporaryFolder()
  let history: FileHistory
  before(async () => {
    await writeFile(join(folder.path, 'history.jsonl'), historyLines(EVENTS))
    history = await createHistory({
      stateDirectory: folder.path,
      server: () => ({ serverId: 'server-b', hostName: 'pbx-2' }),
    })
    web().agent.on('events', async (query) => ({ events: await history.list(query) }))
    await web().setStatus(largeStatus())
  })
  after(async () => {
    await history?.close()
    folder.remove()
  })

  it('are about a history that is really that long', async () => {
    assert.equal(history.lastId(), EVENTS)
    assert.deepEqual(
      (await history.list({ before: 3 })).map(({ id }) => id),
      [2, 1],
    )
  })

  for (const page of PROMPT_PAGES)
    it(`begin to answer within ${LONGEST_MS} ms: /${page}`, () =>
      assertPrompt(`${web().url}${BASE}/${page}`))
})

function largeStatus() {
  const base = pairedStatus()
  const tables = Array.from({ length: TABLES }, (_, index) => ({
    ...base.replication.tables[0]!,
    name: `public.t${index}`,
    rows: index * 1000,
  }))
  return { ...base, replication: { ...base.replication, tables } }
}
