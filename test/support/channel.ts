import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import {
  type ChannelServer,
  type ChannelServerOptions,
  startChannelServer,
} from '../../plugin/channel/channel-server.ts'
import { SERVICES } from '../../plugin/channel/services.ts'
import { makeIdentity, type TlsIdentity } from '../../plugin/channel/tls-identity.ts'
import type { Logger } from '../../plugin/logger.ts'
import type { PeerHandler, PeerHello, PeerRecord } from '../../plugin/ports.ts'
import type { AppliedPosition } from '../../plugin/core/position.ts'

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'hot-standby-test-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Logs into a list, for tests on what is said, and on what never is. */
export function recordingLogger(): Logger & { readonly lines: { level: string; text: string }[] } {
  const lines: { level: string; text: string }[] = []
  const log = (level: string) => (fields: object, sentence: string) => {
    lines.push({ level, text: `${sentence} ${JSON.stringify(fields)}` })
  }
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

export const POSITION: AppliedPosition = {
  sourceId: 'server-a',
  sourceTerm: 3,
  snapshot: '100:120:101,105',
  tickId: '42',
}

export function helloOf(serverId: string, port = 7421): PeerHello {
  return {
    serverId,
    port,
    facts: {
      productName: 'Example PBX',
      hostName: `${serverId}.example.test`,
      serialNumber: `SN-${serverId}`,
      plan: 'enterprise',
      firmwareVersion: '83.6.0.24',
      minimumFirmwareVersion: '83.0',
      capacity: { extensions: 500, concurrentCalls: 120 },
      network: {
        interfaceName: 'eth0',
        address: '192.0.2.10',
        prefixLength: 24,
        family: 'ipv4',
        isStatic: true,
        isDefault: true,
        kind: 'lan',
      },
      postgresVersion: 170000,
      schemaFingerprint: 'abc',
      freeDiskBytes: 1e10,
      clockMs: 1_700_000_000_000,
      packageVersion: '0.1.0',
    },
    server: {
      identity: 'primary',
      hostName: serverId,
      networkInterface: 'eth0',
      peerAddress: null,
      peerPort: port,
      expectedPeerSerialNumber: null,
    },
    pair: null,
  }
}

/** A handler that refuses everything but what the test gives it. */
export function handlerWith(calls: Partial<PeerHandler>): PeerHandler {
  const unexpected = (): Promise<never> => Promise.reject(new Error('not expected in this test'))
  return {
    hello: unexpected,
    acknowledge: unexpected,
    currentPosition: unexpected,
    databaseAccess: unexpected,
    connectDatabase: unexpected,
    takeOver: unexpected,
    drill: unexpected,
    unsent: unexpected,
    settleUnsent: unexpected,
    resolveUnsent: unexpected,
    activeCalls: unexpected,
    role: unexpected,
    handOver: unexpected,
    release: unexpected,
    abortHandOver: unexpected,
    events: unexpected,
    status: unexpected,
    check: unexpected,
    resynchronise: unexpected,
    shareOutbox: unexpected,
    unpair: unexpected,
    ...calls,
  }
}

export function recordOf(identity: TlsIdentity, port: number): PeerRecord {
  return {
    serverId: 'server-a',
    serialNumber: 'SN-1',
    address: '127.0.0.1',
    port,
    fingerprint: identity.fingerprint,
    pairKey: Buffer.alloc(32, 7).toString('base64'),
    startsPair: false,
    pairedAt: '2026-01-01T00:00:00.000Z',
  }
}

export interface Channel {
  readonly server: ChannelServer
  readonly ours: TlsIdentity
  readonly theirs: TlsIdentity
  /** Whom the server is paired with; may be changed. */
  paired: PeerRecord | null
  /** The server, as the peer's record has it. */
  readonly record: PeerRecord
}

/** A server on loopback that is paired with `theirs`. */
export async function startChannel(
  options: Partial<Omit<ChannelServerOptions, 'peer' | 'listen'>> = {},
): Promise<Channel> {
  const ours = options.identity ?? (await makeIdentity())
  const theirs = await makeIdentity()
  const state: { paired: PeerRecord | null } = { paired: recordOf(theirs, 1) }
  const server = await startChannelServer({
    handler: handlerWith({}),
    ...options,
    listen: { address: '127.0.0.1', port: 0 },
    identity: ours,
    peer: () => state.paired,
  })
  return Object.assign(state, { server, ours, theirs, record: recordOf(ours, server.port) })
}

/** A raw TLS client, for hostile input. */
export function rawClient(
  channel: Channel,
  options: ConnectionOptions = {},
): { readonly socket: TLSSocket; readonly closed: Promise<Buffer> } {
  const socket = connectTls({
    host: '127.0.0.1',
    port: channel.server.port,
    key: channel.theirs.keyPem,
    cert: channel.theirs.certificatePem,
    rejectUnauthorized: false,
    ALPNProtocols: [SERVICES.peerApi],
    ...options,
  })
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => socket.destroy())
  const closed = new Promise<Buffer>((resolve) => {
    socket.once('close', () => resolve(Buffer.concat(chunks)))
  })
  return { socket, closed }
}

/** Resolves when the condition holds; fails after a generous time. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
