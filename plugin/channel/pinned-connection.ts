import { connect, type TLSSocket } from 'node:tls'
import { HotStandbyError } from '../errors.ts'
import { remoteFingerprint } from './fingerprint.ts'
import type { ServiceName } from './services.ts'
import type { TlsIdentity } from './tls-identity.ts'

export interface PinnedConnectionOptions {
  readonly address: string
  readonly port: number
  readonly service: ServiceName
  readonly identity: TlsIdentity
  /** Says whether the server with this fingerprint may be talked to. */
  readonly trusts: (fingerprint: string) => boolean
  readonly timeoutMs: number
}

const KEEP_ALIVE_DELAY_MS = 10_000

/**
 * A TLS 1.3 connection whose other end has proved to hold the trusted key. Nothing of ours but the handshake is sent
 * before that. Errors: HS_PEER_UNREACHABLE, HS_PEER_UNTRUSTED.
 */
export async function connectPinned(options: PinnedConnectionOptions): Promise<TLSSocket> {
  const socket = connect({
    host: options.address,
    port: options.port,
    key: options.identity.keyPem,
    cert: options.identity.certificatePem,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ALPNProtocols: [options.service],
    // The pinned fingerprint, compared below, takes the place of authorities, names and dates.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  try {
    await secured(socket, options)
  } catch (error) {
    socket.destroy()
    throw error
  }
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  return socket
}

async function secured(socket: TLSSocket, options: PinnedConnectionOptions): Promise<void> {
  const where = `${options.address}:${options.port}`
  await handshake(socket, where, options.timeoutMs)
  const fingerprint = remoteFingerprint(socket)
  if (fingerprint === null || !options.trusts(fingerprint))
    throw new HotStandbyError('HS_PEER_UNTRUSTED', { reason: `${where} has another key` })
  if (socket.alpnProtocol !== options.service)
    throw unreachable(`${where} does not offer ${options.service}`)
}

async function handshake(socket: TLSSocket, where: string, timeoutMs: number): Promise<void> {
  let connected = false
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      fail(unreachable(`${where} ${connected ? 'is open but says nothing' : 'does not answer'}`))
    }, timeoutMs)
    const onConnect = (): void => {
      connected = true
    }
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(unreachable(reasonOf(error, where, connected), error))
    }
    const onClose = (): void => fail(unreachable(`${where} closed the connection`))
    const settle = (): void => {
      clearTimeout(timer)
      socket.off('connect', onConnect).off('error', onError).off('close', onClose)
      // An error that comes while the socket is being given up has no other listener.
      socket.on('error', () => socket.destroy())
    }
    const fail = (error: HotStandbyError): void => {
      settle()
      reject(error)
    }
    socket.once('connect', onConnect).once('error', onError).once('close', onClose)
    socket.once('secureConnect', () => {
      settle()
      resolve()
    })
  })
}

/** HS_PEER_UNREACHABLE with its reason. */
export function unreachable(reason: string, cause?: unknown, remedy?: string): HotStandbyError {
  return new HotStandbyError(
    'HS_PEER_UNREACHABLE',
    { reason, ...(remedy === undefined ? {} : { remedy }) },
    { cause },
  )
}

function reasonOf(error: NodeJS.ErrnoException, where: string, connected: boolean): string {
  const code = error.code ?? error.name
  if (connected)
    return `what answers at ${where} is not a hot standby agent, or one that refuses (${code})`
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: `nothing listens at ${where}`,
    ENOTFOUND: `the name in ${where} is not known`,
    EAI_AGAIN: `the name in ${where} could not be looked up`,
    EHOSTUNREACH: `there is no way to ${where}`,
    ENETUNREACH: `there is no way to ${where}`,
    ETIMEDOUT: `${where} does not answer`,
  }
  return `${words[code] ?? `no connection to ${where}`} (${code})`
}
