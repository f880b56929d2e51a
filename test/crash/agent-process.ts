import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { AgentConfig } from '../../plugin/config/agent-config.ts'
import type { AppliedPosition } from '../../plugin/core/position.ts'
import type { BatchStep } from '../../plugin/replication/batch-step.ts'
import { createReplicationEngine } from '../../plugin/replication/engine.ts'
import { REPLICATOR } from '../support/database.ts'

/**
 * The database side of one agent in a process that can be killed: of the active with the relay through which the
 * standby reaches its PostgreSQL, or of the standby. It stops at the step that it is told, until it is told to go on.
 */
export interface ProcessInput {
  readonly role: 'active' | 'standby'
  readonly config: AgentConfig['database']
  /** Of the active: where its relay listens, its PostgreSQL and its database. */
  readonly relayPort: number
  readonly databasePort: number
  readonly database: string
}

export type Call =
  | { readonly id: number; readonly call: 'stopAt'; readonly step: BatchStep | null }
  | { readonly id: number; readonly call: 'goOn' | 'resynchronise' | 'currentPosition' | 'history' }
  | { readonly id: number; readonly call: 'cut' }
  | { readonly id: number; readonly call: 'applyUpTo'; readonly position: AppliedPosition }

export type Message =
  | { readonly reached: BatchStep }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }

const APPLY_TIMEOUT_MS = 30_000
const input = JSON.parse(process.argv[2] ?? '') as ProcessInput
const history: string[] = []
const sockets = new Set<Socket>()
let stopAt: BatchStep | null = null
let goOn: () => void = () => undefined

const engine = createReplicationEngine({
  config: input.config,
  serverId: input.role,
  onStep: async (step) => {
    if (step !== stopAt) return
    stopAt = null
    const waiting = new Promise<void>((resolve) => (goOn = resolve))
    tell({ reached: step })
    await waiting
  },
})
engine.on('history', ({ kind, reason }) => history.push(`${kind}: ${reason}`))

process.on('disconnect', () => process.exit())
process.on('message', (call: Call) => {
  answer(call).then(
    (result) => tell({ id: call.id, result: result ?? null }),
    (error: unknown) => tell({ id: call.id, error: String(error) }),
  )
})
await openWhenPossible()
if (input.role === 'active') {
  await relay()
  await engine.promote(1)
} else {
  await engine.follow(
    { serverId: 'active', term: () => 1, connect: () => connectToActive() },
    'crash matrix',
  )
}
tell({ id: 0, result: null })

async function answer(call: Call): Promise<unknown> {
  switch (call.call) {
    case 'stopAt':
      stopAt = call.step
      return null
    case 'goOn': {
      goOn()
      return
    }
    case 'resynchronise':
      return engine.resynchronise()
    case 'currentPosition':
      return engine.currentPosition()
    case 'applyUpTo':
      return engine.applyUpTo(call.position, APPLY_TIMEOUT_MS)
    case 'history':
      return history
    case 'cut':
      for (const socket of sockets) socket.resetAndDestroy()
      return null
  }
}

/** The database may be starting. */
async function openWhenPossible(): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await engine.open()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** In place of the TLS channel: bytes from one socket to the other. */
async function relay(): Promise<void> {
  const server = createServer((incoming) => {
    const outgoing = connect(input.databasePort, '127.0.0.1')
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => (sockets.delete(socket), other.destroy()))
      socket.pipe(other)
    }
  })
  server.listen(input.relayPort, '127.0.0.1')
  await once(server, 'listening')
}

async function connectToActive(): ReturnType<Parameters<typeof engine.follow>[0]['connect']> {
  const stream = connect(input.relayPort, '127.0.0.1')
  await once(stream, 'connect')
  return { stream, user: REPLICATOR, password: null, database: input.database }
}

function tell(message: Message): void {
  process.send?.(message)
}
