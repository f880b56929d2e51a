// Hot standby beside native logical replication, between the same two servers and interleaved. See docs/internals/performance.md.
import { parseArgs } from 'node:util'
import { measureLatency } from './latency.ts'
import { openNative, openOurs, startServers } from './sides.ts'
import { CONFIGURATION, PBX_TABLES } from './tables.ts'
const { values } = parseArgs({
  options: { rows: { type: 'string', default: '200' }, runs: { type: 'string', default: '3' } },
})
;(globalThis as any).TT = []
const servers = await startServers()
try {
  const ours = await openOurs(servers, 'ours', PBX_TABLES)
  const native = await openNative(servers, 'native', PBX_TABLES)
  for (const side of [ours, native]) {
    await side.from.query(CONFIGURATION)
    await side.start()
    await side.caughtUp()
  }
  console.log(await measureLatency({ ours, native }, Number(values.runs), Number(values.rows)))
  ;(await import('node:fs')).writeFileSync(
    '/tmp/hb/tt.json',
    JSON.stringify((globalThis as any).TT),
  )
  await ours.close()
  await native.close()
} finally {
  await Promise.all([servers.active.destroy(), servers.standby.destroy()])
}
