import { Agent } from 'node:http'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Identity } from '../core/facts.ts'
import type { DataSummary, PairData } from '../core/pair-data.ts'
import type { RequirementResult } from '../core/requirements.ts'
import { HotStandbyError } from '../errors.ts'
import type { PeerHello } from '../ports.ts'
import { type AccessCodeParts, fingerprintPartOf, parseAccessCode } from './access-code-format.ts'
import { deriveProofKey, makeProof, sessionBinding } from './access-proof.ts'
import { plainAddress } from './connection-gate.ts'
import { remoteFingerprint } from './fingerprint.ts'
import { postJson } from './json-request.ts'
import { PAIR_PATH } from './pairing.ts'
import { connectPinned, unreachable } from './pinned-connection.ts'
import { SERVICES } from './services.ts'
import type { TlsIdentity } from './tls-identity.ts'
import { checkedDocument, pairAnswerSchema } from './wire-schemas.ts'

export interface JoinPairInput {
  /**
   * `host` or `host:port` of the primary's own address; IPv6 with a port in brackets. Without a port it is the one that
   * this server's own agent uses.
   */
  readonly peer: string
  readonly accessCode: string
  readonly hello: PeerHello
  readonly identity: TlsIdentity
  /** What this server has, and whose data the administrator wants to keep. */
  readonly data: DataSummary
  readonly keepDataOf: Identity | null
  /** Only look: nothing is changed, and the code is not used up. */
  readonly preview?: boolean
  readonly timeouts?: { readonly connectMs?: number; readonly callMs?: number }
}

export interface JoinPairAnswer {
  readonly hello: PeerHello
  readonly requirements: readonly RequirementResult[]
  readonly data: PairData
  /** Null in a preview when the administrator has to say it. */
  readonly keepDataOf: Identity | null
  /** Base64; null in a preview. */
  readonly pairKey: string | null
  /** Of the primary's certificate, to be pinned. */
  readonly fingerprint: string
  /** IP address at which the primary answered. */
  readonly address: string
  readonly port: number
}

const CONNECT_MS = 5000
const CALL_MS = 30_000

/**
 * Joins the pair of the primary that made the access code. The primary must prove to hold the key that the code names
 * before anything is sent. Changes nothing on this server.
 * Errors: HS_REQUEST_INVALID, HS_ACCESS_CODE_REFUSED, HS_TOO_MANY_ATTEMPTS, HS_PEER_*, HS_REQUIREMENTS_FAILED,
 * HS_CONFIRMATION_NEEDED.
 */
export async function joinPair(input: JoinPairInput): Promise<JoinPairAnswer> {
  const target = parseAddress(input.peer, input.hello.port)
  const code = parseAccessCode(input.accessCode)
  if (code.fingerprintPart === fingerprintPartOf(input.identity.fingerprint)) throw ownCode()
  const socket = await connectToCodesServer(target, code, input)
  const fingerprint = remoteFingerprint(socket) ?? ''
  const address = plainAddress(socket.remoteAddress)
  try {
    const proof = makeProof(await deriveProofKey(code.secret, fingerprint), {
      primaryFingerprint: fingerprint,
      secondaryFingerprint: input.identity.fingerprint,
      session: sessionBinding(socket),
    })
    const answer = await postJson({
      path: PAIR_PATH,
      body: {
        proof,
        // The clocks are compared, and until here counting rows and connecting have taken their time.
        hello: { ...input.hello, facts: { ...input.hello.facts, clockMs: Date.now() } },
        preview: input.preview ?? false,
        data: input.data,
        keepDataOf: input.keepDataOf,
      },
      where: `${target.host}:${target.port}`,
      timeoutMs: input.timeouts?.callMs ?? CALL_MS,
      agent: new OneSocketAgent(socket),
      repeatable: false,
    })
    return { ...understood(answer, target), fingerprint, address, port: target.port }
  } finally {
    socket.destroy()
  }
}

interface Target {
  readonly host: string
  readonly port: number
}

async function connectToCodesServer(target: Target, code: AccessCodeParts, input: JoinPairInput) {
  const remedy = 'Check address and port of the primary, that its agent runs, and its firewall.'
  try {
    return await connectPinned({
      address: target.host,
      port: target.port,
      service: SERVICES.pairing,
      identity: input.identity,
      trusts: (fingerprint) => fingerprintPartOf(fingerprint) === code.fingerprintPart,
      timeoutMs: input.timeouts?.connectMs ?? CONNECT_MS,
    })
  } catch (error) {
    if (!(error instanceof HotStandbyError)) throw error
    if (error.code !== 'HS_PEER_UNTRUSTED')
      throw new HotStandbyError(error.code, { ...error.details, remedy }, { cause: error })
    throw new HotStandbyError(
      'HS_PEER_UNTRUSTED',
      {
        reason: `the server at ${target.host}:${target.port} is not the one that made the access code`,
        remedy: 'Give the address of the server that showed the access code, and its latest code.',
      },
      { cause: error },
    )
  }
}

function understood(
  answer: unknown,
  target: Target,
): Omit<JoinPairAnswer, 'fingerprint' | 'address' | 'port'> {
  try {
    return checkedDocument<JoinPairAnswer>(pairAnswerSchema, answer)
  } catch (error) {
    const reason = `${target.host}:${target.port} gave an answer that was not understood`
    throw unreachable(reason, error, 'Bring both servers to versions that fit together.')
  }
}

/** Splits `host`, `host:port`, `::1` and `[::1]:port`. Errors: HS_REQUEST_INVALID. */
export function parseAddress(text: string, defaultPort: number): Target {
  const trimmed = text.trim()
  if (isIP(trimmed) !== 0) return { host: trimmed, port: defaultPort }
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(trimmed)
  const plain = /^([A-Za-z0-9]([A-Za-z0-9.-]{0,252}))(?::(\d{1,5}))?$/.exec(trimmed)
  const host = bracketed?.[1] ?? plain?.[1]
  const portText = bracketed === null ? plain?.[3] : bracketed[2]
  const port = portText === undefined ? defaultPort : Number(portText)
  const badBrackets = bracketed !== null && isIP(host ?? '') !== 6
  if (host === undefined || badBrackets || port < 1 || port > 65535) {
    const message = 'is not a host or host:port'
    const remedy =
      'Write the address of the primary, for example `192.0.2.10` or `192.0.2.10:7421`.'
    const value = JSON.stringify(text.slice(0, 80))
    throw new HotStandbyError('HS_REQUEST_INVALID', {
      fields: [{ field: 'peer', value, message, remedy }],
    })
  }
  return { host, port }
}

function ownCode(): HotStandbyError {
  const reason = 'it was made by this server itself'
  const remedy = 'Make the access code on the primary, and join on the secondary.'
  return new HotStandbyError('HS_ACCESS_CODE_REFUSED', { reason, remedy })
}

/** Sends one request over a connection that is open already: the proof holds for that very connection. */
class OneSocketAgent extends Agent {
  readonly #socket: Duplex

  constructor(socket: Duplex) {
    super({ keepAlive: false, maxSockets: 1 })
    this.#socket = socket
  }

  override createConnection(): Duplex {
    return this.#socket
  }
}
