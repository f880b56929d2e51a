import type { Identity } from '../core/facts.ts'
import type { DataSummary } from '../core/pair-data.ts'
import { HotStandbyError, toHotStandbyError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { PairingHandler, PeerHello } from '../ports.ts'
import type { AccessCodes, CodeUse } from './access-codes.ts'
import { sessionBinding } from './access-proof.ts'
import { remoteFingerprint } from './fingerprint.ts'
import type { JsonCall } from './json-http.ts'
import type { TlsIdentity } from './tls-identity.ts'
import { checkedDocument, pairRequestSchema } from './wire-schemas.ts'

export const PAIR_PATH = '/pair'

/** The primary's side of pairing, as the channel server serves it. */
export interface Pairing {
  answer(call: JsonCall, remote: string, onWrong: () => void): Promise<unknown>
}

export interface PairingOptions {
  readonly identity: TlsIdentity
  readonly codes: AccessCodes
  readonly handler: PairingHandler
  /** Told of refusals, for the history (`pairingRefused`): of those without a valid access code at most once a minute. */
  readonly onRefused?: (refusal: { readonly remote: string; readonly reason: string }) => void
  readonly logger?: Logger
}

/** Refusals that any host on the network can cause: told once a minute, or it could flush the history with them. */
const UNPROVEN: ReadonlySet<string> = new Set([
  'HS_ACCESS_CODE_REFUSED',
  'HS_TOO_MANY_ATTEMPTS',
  'HS_REQUEST_INVALID',
  'HS_PEER_UNTRUSTED',
])
const QUIET_MS = 60_000

export interface PairRequest {
  readonly proof: string
  readonly hello: PeerHello
  readonly preview: boolean
  readonly data: DataSummary
  readonly keepDataOf: Identity | null
}

/** Lets a server in that proves to know the access code; the handler does the rest, and a refusal gives the code back. */
export function createPairing(options: PairingOptions): Pairing {
  const logger = options.logger ?? silentLogger
  const mayTell = onceIn(QUIET_MS)
  return {
    async answer(call, remote, onWrong) {
      if (call.path !== PAIR_PATH) throw new HotStandbyError('HS_NOT_FOUND')
      try {
        return await pair(call, remote, options)
      } catch (thrown) {
        const error = toHotStandbyError(thrown)
        if (error.code === 'HS_ACCESS_CODE_REFUSED' || error.code === 'HS_TOO_MANY_ATTEMPTS')
          onWrong()
        if (!UNPROVEN.has(error.code) || mayTell()) {
          logger.warn({ remote, code: error.code }, 'pairing refused')
          options.onRefused?.({ remote, reason: error.message })
        }
        throw thrown
      }
    },
  }
}

async function pair(call: JsonCall, address: string, options: PairingOptions): Promise<unknown> {
  const fingerprint = remoteFingerprint(call.socket)
  if (fingerprint === null) throw new HotStandbyError('HS_PEER_UNTRUSTED')
  const request = checkedDocument<PairRequest>(pairRequestSchema, call.body)
  const context = {
    primaryFingerprint: options.identity.fingerprint,
    secondaryFingerprint: fingerprint,
    session: sessionBinding(call.socket),
  }
  const use = options.codes.use(request.proof, context, address)
  return endUse(use, request.preview, () =>
    options.handler.pair({
      hello: request.hello,
      address,
      fingerprint,
      preview: request.preview,
      data: request.data,
      keepDataOf: request.keepDataOf,
    }),
  )
}

async function endUse<T>(use: CodeUse, preview: boolean, run: () => Promise<T>): Promise<T> {
  try {
    const answer = await run()
    if (!preview) use.consume()
    return answer
  } finally {
    use.giveBack()
  }
}

function onceIn(quietMs: number): () => boolean {
  let last: number | null = null
  return () => {
    const now = performance.now()
    if (last !== null && now - last < quietMs) return false
    last = now
    return true
  }
}
