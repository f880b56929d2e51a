// A standby that was away for very many changes, alone: `node --import=tsx bench/absence.ts --changes 5000000`. Prints
// how long writing and catching up took, what the journal needed, and what the progress said; see performance.md.
import { parseArgs } from 'node:util'
import type { ReplicationStatus } from '../plugin/api/status-document.ts'
import { openOurs, pause, startServers } from './sides.ts'
import { CONFIGURATION, PBX_TABLES } from './tables.ts'

const { values } = parseArgs({ options: { changes: { type: 'string', default: '5000000' } } })
const changes = Number(values.changes)
const PER_TRANSACTION = 100

/** Nine new call records to one changed extension, in transactions of a hundred rows. */
const DAY = `do $$ begin
  for i in 1..${Math.ceil(changes / PER_TRANSACTION)} loop
    insert into call_record (caller, callee, seconds, disposition)
      select '+49 30 ' || n, 'ext ' || i % 2000, n, 'ANSWERED' from generate_series(1, 90) n;
    update extension set name = 'changed ' || i where number between 1 + (i * 10) % 1990 and 10 + (i * 10) % 1990;
    commit;
  end loop; end $$`

const servers = await startServers()
try {
  const side = await openOurs(servers, 'absence', PBX_TABLES)
  await side.from.query(CONFIGURATION)
  await side.start()
  await side.caughtUp()
  await side.stop()
  await side.from.query('set synchronous_commit = off')
  const writing = performance.now()
  await side.from.query(DAY)
  const wroteMs = performance.now() - writing
  const { rows } = await side.from.query<{ bytes: string; entries: string }>(
    `select pg_total_relation_size('hot_standby.journal')::text as bytes,
       (select count(*) from hot_standby.journal)::text as entries`,
  )
  const size = { bytes: Number(rows[0]?.bytes), entries: Number(rows[0]?.entries) }
  const begun = performance.now()
  await side.start()
  const done = side.caughtUp().then(() => true as const)
  for (let isDone = false; !isDone;) {
    isDone = await Promise.race([done, pause(5000).then(() => false)])
    const { catchUp } = (await side.engines.standby.call({ name: 'status' })) as ReplicationStatus
    if (catchUp === null) continue
    const { done: applied, total } = catchUp.changes
    const left = catchUp.remainingMs === null ? '?' : (catchUp.remainingMs / 1000).toFixed(0)
    const passed = ((performance.now() - begun) / 1000).toFixed(0)
    console.log(`${passed} s: ${applied} of ${total} changes, ${left} s left`)
  }
  const seconds = (performance.now() - begun) / 1000
  const perEntry = (size.bytes / size.entries).toFixed(0)
  console.log(
    `${size.entries} changes written in ${(wroteMs / 1000).toFixed(0)} s; the journal took ${(size.bytes / 1_048_576).toFixed(0)} MiB, ${perEntry} bytes a change`,
  )
  console.log(
    `caught up in ${seconds.toFixed(0)} s, ${(size.entries / seconds).toFixed(0)} changes a second`,
  )
  await side.close()
} finally {
  await Promise.all([servers.active.destroy(), servers.standby.destroy()])
}
