import { createSocket, type Socket } from 'node:dgram'
import { HotStandbyError } from '../errors.ts'
import { silentLogger, type Logger } from '../logger.ts'
import type { PeerReport } from '../core/state.ts'
import type { Clock, HeartbeatHandler, HeartbeatLink } from './agent-ports.ts'
import { codeOf } from '../files/error-code.ts'
import { KEY_BYTES, decodePacket, encodePacket, type HeartbeatPacket } from './heartbeat-packet.ts'
import { createHeartbeatSession, type Verdict } from './heartbeat-session.ts'
import { createHeartbeatStatistics } from './heartbeat-statistics.ts'

export interface HeartbeatLinkOptions {
  readonly address: string
  /** 0 in tests: any free port. */
  readonly port: number
  readonly clock: Clock
  readonly logger?: Logger
}

/** Why packets were not believed, and how often. */
export type DropCounts = Readonly<Record<Drop, number>>
type Drop =
  'noPeer' | 'tooLarge' | 'malformed' | 'notAuthentic' | Exclude<Verdict, 'heard'> | 'notSent'

export interface UdpHeartbeatLink extends HeartbeatLink {
  /** The port that it really listens on. */
  port(): number
  drops(): DropCounts
}

interface Peer {
  readonly address: string
  readonly port: number
  readonly key: Buffer
}

/** A claim is too important for one datagram. */
const SECOND_CLAIM_AFTER_MS = 100
/** Challenges answer packets that proved nothing: bounded, so that nobody uses us to flood the peer. */
const CHALLENGES_PER_SECOND = 20

/** Heartbeats over UDP unicast: both servers ping, both answer, so that a one-way loss is noticed by one of them. */
export function createHeartbeatLink(options: HeartbeatLinkOptions): UdpHeartbeatLink {
  const { clock, logger = silentLogger } = options
  const drops = noDrops()
  let socket: Socket | null = null
  let handler: HeartbeatHandler | null = null
  let peer: Peer | null = null
  let session = createHeartbeatSession()
  let statistics = createHeartbeatStatistics()
  let lastReport: PeerReport | null = null
  let challengedAt: readonly number[] = []
  let cancelSecondClaim = (): void => undefined

  function send(kind: HeartbeatPacket['kind'], inReplyTo?: HeartbeatPacket): number | null {
    if (socket === null || peer === null) return null
    const stamp = session.stamp(inReplyTo)
    const packet: HeartbeatPacket = {
      kind,
      ...stamp,
      at: clock.now(),
      echo: kind === 'pong' ? (inReplyTo?.sequence ?? null) : null,
      report: lastReport,
    }
    socket.send(encodePacket(packet, peer.key), peer.port, peer.address, (error) => {
      if (error === null) return
      drops.notSent += 1
      logger.debug({ code: codeOf(error) }, 'a heartbeat could not be sent')
    })
    return stamp.sequence
  }

  function receive(datagram: Buffer): void {
    const drop = judge(datagram)
    if (drop !== null) drops[drop] += 1
  }

  /** Null when the packet was a sign of life. */
  function judge(datagram: Buffer): Drop | null {
    if (peer === null) return 'noPeer'
    const decoded = decodePacket(datagram, peer.key)
    if (decoded.result !== 'packet') return decoded.result
    const verdict = session.judge(decoded.packet, clock.now())
    if (verdict === 'unproven' || verdict === 'late') challenge(decoded.packet)
    if (verdict !== 'heard') return verdict
    accept(decoded.packet)
    return null
  }

  function accept(packet: HeartbeatPacket): void {
    if (packet.kind === 'pong' && packet.echo !== null)
      statistics.answered(packet.echo, clock.now())
    if (packet.kind === 'ping' || packet.kind === 'challenge') send('pong', packet)
    if (packet.report === null) return
    handler?.report(packet.report)
    if (packet.kind === 'claim') handler?.claim(packet.report.term)
  }

  function challenge(packet: HeartbeatPacket): void {
    const now = clock.now()
    challengedAt = challengedAt.filter((at) => now - at < 1000)
    if (challengedAt.length >= CHALLENGES_PER_SECOND) return
    challengedAt = [...challengedAt, now]
    send('challenge', packet)
  }

  return {
    async start(given) {
      handler = given
      socket = await bind(options, receive, logger)
    },
    setPeer(given) {
      if (given !== null && given.key.length !== KEY_BYTES)
        throw new RangeError(`the pair key has ${given.key.length} bytes, not ${KEY_BYTES}`)
      if (samePeer(peer, given)) return
      if (given === null || peer?.key.equals(given.key) !== true) {
        session = createHeartbeatSession()
        statistics = createHeartbeatStatistics()
        // What was said in the last pair ("active") is not an answer to the next one.
        lastReport = null
        cancelSecondClaim()
      }
      peer = given
    },
    send(report) {
      lastReport = report
      const sequence = send('ping')
      if (sequence !== null) statistics.pinged(sequence, clock.now())
    },
    sendClaim(report) {
      lastReport = report
      cancelSecondClaim()
      send('claim')
      cancelSecondClaim = clock.schedule(SECOND_CLAIM_AFTER_MS, () => send('claim'))
    },
    stats: () => statistics.read(clock.now()),
    drops: () => ({ ...drops }),
    port: () => socket?.address().port ?? options.port,
    async close() {
      cancelSecondClaim()
      handler = null
      const closing = socket
      socket = null
      if (closing !== null) await new Promise<void>((resolve) => closing.close(() => resolve()))
    },
  }
}

function bind(
  options: HeartbeatLinkOptions,
  receive: (datagram: Buffer) => void,
  logger: Logger,
): Promise<Socket> {
  const socket = createSocket(options.address.includes(':') ? 'udp6' : 'udp4')
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => reject(cannotListen(options, cause)))
    socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      socket.on('error', (error) =>
        logger.warn({ code: codeOf(error) }, 'the heartbeat socket failed'),
      )
      socket.on('message', receive)
      resolve(socket)
    })
  })
}

function cannotListen(options: HeartbeatLinkOptions, cause: Error): HotStandbyError {
  const code = codeOf(cause)
  const wrongAddress = code === 'EADDRNOTAVAIL'
  const field = wrongAddress ? 'listen.address' : 'listen.port'
  const value = wrongAddress ? options.address : String(options.port)
  const message =
    code === 'EADDRINUSE' ? 'is used by another process' : `cannot be listened on (${code})`
  const remedy = 'Give an address of this server and a free UDP port.'
  return new HotStandbyError(
    'HS_CONFIG_INVALID',
    { fields: [{ field, value, message, remedy }], remedy },
    { cause },
  )
}

function samePeer(one: Peer | null, other: Peer | null): boolean {
  if (one === null || other === null) return one === other
  return one.address === other.address && one.port === other.port && one.key.equals(other.key)
}

function noDrops(): Record<Drop, number> {
  return {
    noPeer: 0,
    tooLarge: 0,
    malformed: 0,
    notAuthentic: 0,
    reflected: 0,
    replayed: 0,
    unproven: 0,
    late: 0,
    notSent: 0,
  }
}
