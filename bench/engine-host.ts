// Runs one engine in a process of its own, as the agent does, so that no measurement shares its event loop.
import { connect } from 'node:net'
import { once } from 'node:events'
import type { AgentConfig } from '../plugin/config/agent-config.ts'
import type { ReplicationSource } from '../plugin/ports.ts'
import { createReplicationEngine } from '../plugin/replication/engine.ts'
import type { EngineCall, HostConfig } from './engine-process.ts'

const { config, serverId } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly config: AgentConfig['database']
  readonly serverId: string
}
let engine = createReplicationEngine({ config, serverId })

process.on('message', (call: EngineCall) => {
  run(call).then(
    (value) => process.send?.({ id: call.id, value: value ?? null }),
    (error: unknown) => process.send?.({ id: call.id, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))

async function run(call: EngineCall): Promise<unknown> {
  switch (call.name) {
    case 'open':
      return engine.open()
    case 'promote':
      return engine.promote(1)
    case 'follow':
      return engine.follow(source(call.source), 'bench')
    case 'currentPosition':
      return engine.currentPosition()
    case 'applyUpTo':
      return engine.applyUpTo(call.position, 600_000)
    case 'resynchronise':
      return engine.resynchronise()
    case 'phase':
      return Promise.resolve(engine.status().phase)
    case 'status':
      return Promise.resolve(engine.status())
    case 'restart':
      await engine.close()
      engine = createReplicationEngine({ config, serverId })
      return engine.open()
    case 'close':
      return engine.close()
  }
}

function source(host: HostConfig): ReplicationSource {
  return {
    serverId: host.serverId,
    term: () => 1,
    connect: async () => {
      const stream = connect({ port: host.port, host: host.host, noDelay: true })
      await once(stream, 'connect')
      return { stream, user: host.user, password: null, database: host.database }
    },
  }
}
