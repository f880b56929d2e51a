import { createHmac, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { TLSSocket } from 'node:tls'

const derive = promisify(scrypt) as (
  secret: string,
  salt: string,
  length: number,
) => Promise<Buffer>
const EXPORT_LABEL = 'EXPERIMENTAL-hot-standby-pairing'

/** What the proof binds together, besides the secret: both keys and this very TLS session. */
export interface ProofContext {
  readonly primaryFingerprint: string
  readonly secondaryFingerprint: string
  /** Of `sessionBinding`; differs for every connection, so that a proof cannot be played again on another. */
  readonly session: Buffer
}

/** The form in which the primary keeps a secret: salted, slow to guess, good for checking proofs only. */
export async function deriveProofKey(secret: string, primaryFingerprint: string): Promise<Buffer> {
  return derive(secret, `hot-standby access code ${primaryFingerprint}`, 32)
}

/** Proves to know the secret without showing it. */
export function makeProof(key: Buffer, context: ProofContext): string {
  return createHmac('sha256', key)
    .update('hot-standby pairing 1\n')
    .update(`${context.primaryFingerprint}\n${context.secondaryFingerprint}\n`)
    .update(context.session)
    .digest('hex')
}

/** In constant time. */
export function isProof(proof: string, key: Buffer, context: ProofContext): boolean {
  const expected = Buffer.from(makeProof(key, context), 'hex')
  const given = Buffer.from(proof, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Keying material of the TLS session (RFC 8446, 7.5): both ends compute it, nobody between them can. */
export function sessionBinding(socket: TLSSocket): Buffer {
  return socket.exportKeyingMaterial(32, EXPORT_LABEL, Buffer.alloc(0))
}
