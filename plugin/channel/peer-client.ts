import { Agent, type ClientRequestArgs } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { HotStandbyError } from '../errors.ts'
import type { PeerClient, PeerRecord } from '../ports.ts'
import { sameFingerprint } from './fingerprint.ts'
import { postJson } from './json-request.ts'
import { PEER_CALLS, type PeerCallName } from './peer-calls.ts'
import { connectPinned, unreachable } from './pinned-connection.ts'
import { SERVICES, type ServiceName } from './services.ts'
import type { TlsIdentity } from './tls-identity.ts'
import { checkedDocument } from './wire-schemas.ts'

export interface PeerClientOptions {
  readonly identity: TlsIdentity
  readonly peer: () => PeerRecord | null
  readonly timeouts?: Partial<PeerTimeouts>
}

export interface PeerTimeouts {
  readonly connectMs: number
  readonly callMs: number
  /** A later answer is of no use. */
  readonly roleMs: number
  readonly handOverMs: number
  /** A comparison of all tables. */
  readonly checkMs: number
}

const DEFAULT_TIMEOUTS: PeerTimeouts = {
  connectMs: 3000,
  callMs: 5000,
  roleMs: 1000,
  handOverMs: 60_000,
  checkMs: 3_600_000,
}
/** Below the server's limit, so that it is we who close a kept connection. */
const KEPT_IDLE_MS = 25_000
const KEPT_CONNECTIONS = 4

/** A `PeerClient` that also lets go of its connections. */
export interface ClosablePeerClient extends PeerClient {
  connectDatabase(): Promise<Duplex>
  /** Closes kept connections and tunnels, for when the peer is lost; the client stays usable. */
  disconnect(): void
}

/** The peer's agent. Each connection is checked against the pinned fingerprint before a byte of ours goes out. */
export function createPeerClient(options: PeerClientOptions): ClosablePeerClient {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const connections = createConnections(options, timeouts)
  const call = async <T>(name: PeerCallName, input: unknown): Promise<T> => {
    const definition = PEER_CALLS[name]
    const record = pairedPeer(options)
    const answer = await postJson({
      path: definition.path,
      body: input,
      where: `${record.address}:${record.port}`,
      timeoutMs: timeouts[`${definition.limit}Ms`],
      agent: definition.repeatable ? connections.kept(record) : connections.single(record),
      repeatable: definition.repeatable,
    })
    return checkedAnswer<T>(name, answer, record)
  }
  return {
    hello: (input) => call('hello', input),
    acknowledge: (position) => call('acknowledge', position),
    role: () => call('role', {}),
    currentPosition: () => call('currentPosition', {}),
    databaseAccess: () => call('databaseAccess', {}),
    handOver: (input) => call('handOver', input),
    takeOver: () => call('takeOver', {}),
    activeCalls: () => call('activeCalls', {}),
    drill: (input) => call('drill', input),
    unsent: () => call('unsent', {}),
    settleUnsent: (input) => call('settleUnsent', input),
    resolveUnsent: (input) => call('resolveUnsent', input),
    release: (input) => call('release', input),
    abortHandOver: (input) => call('abortHandOver', input),
    events: (query) => call('events', query),
    status: () => call('status', {}),
    check: (input) => call('check', input),
    resynchronise: () => call('resynchronise', {}),
    shareOutbox: (input) => call('shareOutbox', input),
    unpair: () => call('unpair', {}),
    connectDatabase: async () => connections.open(pairedPeer(options), SERVICES.database),
    disconnect: () => connections.close(),
  }
}

function pairedPeer(options: PeerClientOptions): PeerRecord {
  const record = options.peer()
  if (record === null) throw new HotStandbyError('HS_NOT_PAIRED')
  return record
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the schema is looser than the type
function checkedAnswer<T>(name: PeerCallName, answer: unknown, record: PeerRecord): T {
  try {
    return checkedDocument<T>(PEER_CALLS[name].output, answer)
  } catch (error) {
    const where = `${record.address}:${record.port}`
    const reason = `${where} gave an answer to ${name} that was not understood`
    throw unreachable(reason, error, 'Bring both servers to versions that fit together.')
  }
}

interface Connections {
  kept(record: PeerRecord): Agent
  single(record: PeerRecord): Agent
  open(record: PeerRecord, service: ServiceName): Promise<TLSSocket>
  close(): void
}

function createConnections(options: PeerClientOptions, timeouts: PeerTimeouts): Connections {
  const sockets = new Set<TLSSocket>()
  let agent: Agent | null = null
  let agentFor: PeerRecord | null = null
  const open: Connections['open'] = async (record, service) => {
    const socket = await connectPinned({
      address: record.address,
      port: record.port,
      service,
      identity: options.identity,
      trusts: (fingerprint) => sameFingerprint(fingerprint, record.fingerprint),
      timeoutMs: timeouts.connectMs,
    })
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const openApi = (record: PeerRecord) => () => open(record, SERVICES.peerApi)
  return {
    open,
    kept(record) {
      // A connection to a former peer must not serve the present one.
      if (agent === null || agentFor === null || !samePeer(agentFor, record)) {
        agent?.destroy()
        agent = new PinnedAgent(openApi(record), true)
        agentFor = record
      }
      return agent
    },
    single: (record) => new PinnedAgent(openApi(record), false),
    close() {
      agent?.destroy()
      agent = null
      for (const socket of sockets) socket.destroy()
    },
  }
}

function samePeer(one: PeerRecord, other: PeerRecord): boolean {
  return (
    one.fingerprint === other.fingerprint &&
    one.address === other.address &&
    one.port === other.port
  )
}

/** An HTTP agent whose connections are made, and checked, by us. */
class PinnedAgent extends Agent {
  readonly #open: () => Promise<TLSSocket>

  constructor(open: () => Promise<TLSSocket>, keepAlive: boolean) {
    super({ keepAlive, maxSockets: KEPT_CONNECTIONS, timeout: KEPT_IDLE_MS })
    this.#open = open
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    this.#open().then(
      (socket) => callback?.(null, socket),
      (error: unknown) => callback?.(error as Error, undefined as never),
    )
    return undefined
  }
}
