import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls'
import { HotStandbyError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { PeerHandler, PeerRecord } from '../ports.ts'
import { createConnectionGate, plainAddress } from './connection-gate.ts'
import { databaseRefusal, joinStreams } from './database-tunnel.ts'
import { remoteFingerprint, sameFingerprint } from './fingerprint.ts'
import { createJsonServer, type JsonServer } from './json-http.ts'
import type { Pairing } from './pairing.ts'
import { answerPeerCall } from './peer-api.ts'
import { createRefusalLog, type RefusalLog, type RefusalReason } from './refusal-log.ts'
import { SERVICES, type ServiceName } from './services.ts'
import type { TlsIdentity } from './tls-identity.ts'

export interface ChannelServerOptions {
  readonly listen: { readonly address: string; readonly port: number }
  readonly identity: TlsIdentity
  /** Asked at every connection and call, so that a dissolved pair is locked out at once. */
  readonly peer: () => PeerRecord | null
  readonly handler: PeerHandler
  readonly pairing?: Pairing
  readonly logger?: Logger
  readonly limits?: Partial<ChannelLimits>
}

export interface ChannelLimits {
  readonly connectionsPerRemote: number
  readonly connectionsOfStrangers: number
  readonly tunnels: number
  readonly handshakeMs: number
  /** Idle time between the peer's calls, and the time to send one. */
  readonly peerRequestMs: number
  readonly pairingRequestMs: number
  readonly tunnelIdleMs: number
}

const DEFAULT_LIMITS: ChannelLimits = {
  connectionsPerRemote: 64,
  connectionsOfStrangers: 128,
  tunnels: 48,
  handshakeMs: 5000,
  peerRequestMs: 60_000,
  pairingRequestMs: 15_000,
  tunnelIdleMs: 900_000,
}

const KEEP_ALIVE_DELAY_MS = 10_000

export interface ChannelServer {
  /** The port in use, also when 0 was asked for. */
  readonly port: number
  /** Closes connections of whoever is not the peer any more; call it after the peer record changed. */
  dropStrangers(): void
  /** Closes all database tunnels; for when the peer is lost, since TCP alone takes minutes to notice. */
  dropTunnels(): void
  stats(): {
    readonly connections: number
    readonly tunnels: number
    readonly refused: ReturnType<RefusalLog['counts']>
  }
  /** Closes everything; safe to call twice. */
  close(): Promise<void>
}

/** Opens the one TLS port. What is not TLS 1.3 from the pinned peer gets no answer, except pairing with its access code. */
export async function startChannelServer(options: ChannelServerOptions): Promise<ChannelServer> {
  const parts = assemble(options)
  await listening(parts.server, options.listen)
  const { port } = parts.server.address() as { port: number }
  let closed: Promise<void> | null = null
  return {
    port,
    dropStrangers: () => {
      for (const [socket, service] of parts.sockets)
        if (service !== SERVICES.pairing && !isPeer(socket, options)) socket.destroy()
    },
    dropTunnels: () => {
      for (const [socket, service] of parts.sockets)
        if (service === SERVICES.database) socket.destroy()
    },
    stats: () => ({
      connections: parts.rawSockets.size,
      tunnels: countTunnels(parts),
      refused: parts.refusals.counts(),
    }),
    close: () => (closed ??= closeAll(parts)),
  }
}

interface Parts {
  readonly server: Server
  readonly tls: TlsServer
  readonly rawSockets: Set<Socket>
  readonly sockets: Map<TLSSocket, ServiceName>
  readonly refusals: RefusalLog
  readonly peerApi: JsonServer
  readonly pairingApi: JsonServer | null
  readonly limits: ChannelLimits
  readonly logger: Logger
}

function assemble(options: ChannelServerOptions): Parts {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const logger = options.logger ?? silentLogger
  const refusals = createRefusalLog(logger)
  const parts: Parts = {
    server: createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    }),
    tls: createTls(options, limits),
    rawSockets: new Set(),
    sockets: new Map(),
    refusals,
    peerApi: createJsonServer({
      answer: (call) => {
        if (!isPeer(call.socket, options)) throw new HotStandbyError('HS_NOT_PAIRED')
        return answerPeerCall(options.handler, call)
      },
      requestMs: limits.peerRequestMs,
      refusals,
      logger,
    }),
    pairingApi: pairingServer(options.pairing, limits, refusals, logger),
    limits,
    logger,
  }
  parts.server.on('connection', acceptRaw(parts, options))
  parts.tls.on('tlsClientError', (_error, socket) => {
    refusals.refuse('handshakeFailed', plainAddress(socket.remoteAddress))
    socket.destroy()
  })
  parts.tls.on('secureConnection', (socket) => dispatch(socket, parts, options))
  return parts
}

function createTls(options: ChannelServerOptions, limits: ChannelLimits): TlsServer {
  return createTlsServer({
    key: options.identity.keyPem,
    cert: options.identity.certificatePem,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    requestCert: true,
    // No certificate authority stands behind self-made certificates: TLS proves that the other end holds the key, and
    // the pinned fingerprint says whose key it is. `dispatch` compares it before anything is read.
    rejectUnauthorized: false,
    ALPNProtocols: [SERVICES.peerApi, SERVICES.database, SERVICES.pairing],
    handshakeTimeout: limits.handshakeMs,
  })
}

function pairingServer(
  pairing: Pairing | undefined,
  limits: ChannelLimits,
  refusals: RefusalLog,
  logger: Logger,
): JsonServer | null {
  if (pairing === undefined) return null
  return createJsonServer({
    answer: async (call) => {
      const remote = plainAddress(call.socket.remoteAddress)
      return pairing.answer(call, remote, () => refusals.refuse('wrongAccessCode', remote))
    },
    requestMs: limits.pairingRequestMs,
    refusals,
    logger,
  })
}

function acceptRaw(parts: Parts, options: ChannelServerOptions): (socket: Socket) => void {
  const gate = createConnectionGate({
    perRemote: parts.limits.connectionsPerRemote,
    ofStrangers: parts.limits.connectionsOfStrangers,
  })
  return (socket) => {
    const address = plainAddress(socket.remoteAddress)
    const isPeerAddress = plainAddress(options.peer()?.address) === address
    socket.on('error', () => socket.destroy())
    if (!gate.enter(address, isPeerAddress)) {
      parts.refusals.refuse('tooManyConnections', address)
      socket.destroy()
      return
    }
    parts.rawSockets.add(socket)
    socket.once('close', () => {
      parts.rawSockets.delete(socket)
      gate.leave(address, isPeerAddress)
    })
    parts.tls.emit('connection', socket)
  }
}

function dispatch(socket: TLSSocket, parts: Parts, options: ChannelServerOptions): void {
  socket.on('error', () => socket.destroy())
  const service = socket.alpnProtocol
  const refusal = refusalOf(socket, service, parts, options)
  if (refusal !== null) {
    parts.refusals.refuse(refusal, plainAddress(socket.remoteAddress))
    socket.destroy()
    return
  }
  parts.sockets.set(socket, service as ServiceName)
  socket.once('close', () => parts.sockets.delete(socket))
  if (service === SERVICES.pairing) parts.pairingApi?.accept(socket)
  else if (service === SERVICES.peerApi) parts.peerApi.accept(socket)
  else void openTunnel(socket, parts, options)
}

/** Everything that must hold before a byte of the connection is read. */
function refusalOf(
  socket: TLSSocket,
  service: string | false | null,
  parts: Parts,
  options: ChannelServerOptions,
): RefusalReason | null {
  if (remoteFingerprint(socket) === null) return 'noCertificate'
  if (service === SERVICES.pairing) return parts.pairingApi === null ? 'unknownService' : null
  if (service !== SERVICES.peerApi && service !== SERVICES.database) return 'unknownService'
  if (!isPeer(socket, options)) return 'notThePeer'
  const full = service === SERVICES.database && countTunnels(parts) >= parts.limits.tunnels
  return full ? 'tooManyConnections' : null
}

async function openTunnel(
  socket: TLSSocket,
  parts: Parts,
  options: ChannelServerOptions,
): Promise<void> {
  try {
    const database = await options.handler.connectDatabase()
    if (socket.destroyed) database.destroy()
    else joinStreams(socket, database, { idleMs: parts.limits.tunnelIdleMs })
  } catch (error) {
    parts.logger.warn({ error }, 'the database could not be reached for the peer')
    socket.end(databaseRefusal('the database of the active server does not answer its agent'))
    socket.setTimeout(parts.limits.handshakeMs, () => socket.destroy())
  }
}

function countTunnels(parts: Parts): number {
  return [...parts.sockets.values()].filter((service) => service === SERVICES.database).length
}

function isPeer(socket: TLSSocket, options: ChannelServerOptions): boolean {
  return sameFingerprint(remoteFingerprint(socket), options.peer()?.fingerprint ?? null)
}

async function listening(server: Server, listen: ChannelServerOptions['listen']): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const field = cause.code === 'EADDRNOTAVAIL' ? 'listen.address' : 'listen.port'
      const value = field === 'listen.port' ? String(listen.port) : listen.address
      const message = `cannot be listened on (${cause.code ?? cause.message})`
      const remedy = 'Give an address of this server and a port that no other program uses.'
      const fields = [{ field, value, message, remedy }]
      reject(new HotStandbyError('HS_CONFIG_INVALID', { fields }, { cause }))
    })
    server.listen(listen.port, listen.address, resolve)
  })
  server.removeAllListeners('error')
}

async function closeAll(parts: Parts): Promise<void> {
  const closed = new Promise<void>((resolve) => parts.server.close(() => resolve()))
  for (const socket of parts.sockets.keys()) socket.destroy()
  for (const socket of parts.rawSockets) socket.destroy()
  parts.peerApi.close()
  parts.pairingApi?.close()
  await closed
}
