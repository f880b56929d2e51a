import { createHash, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

const FINGERPRINT = /^[0-9a-f]{64}$/

/** SHA-256 of a certificate in DER form, hex: what the two servers pin of each other. */
export function fingerprintOf(certificate: Buffer): string {
  return createHash('sha256').update(certificate).digest('hex')
}

const remembered = new WeakMap<TLSSocket, string>()

/**
 * The fingerprint of what the other end of a TLS connection proved to hold the key of; null without a certificate.
 * Remembered, since a client's socket gives its X.509 certificate out only once, and in TLS 1.3 it never changes.
 */
export function remoteFingerprint(socket: TLSSocket): string | null {
  const known = remembered.get(socket)
  if (known !== undefined) return known
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return null
  const fingerprint = fingerprintOf(certificate.raw)
  remembered.set(socket, fingerprint)
  return fingerprint
}

/** Compares in constant time; anything that is not a fingerprint equals nothing. */
export function sameFingerprint(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return false
  if (!FINGERPRINT.test(one) || !FINGERPRINT.test(other)) return false
  return timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'))
}
