import { createHash, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

const FINGERPRINT = /^[0-9a-f]{64}$/

/** SHA-256 of a certificate in DER form, hex: what the two servers pin of each other. */
export function fingerprintOf(certificate: Buffer): string {
  return createHash('sha256').update(certificate).digest('hex')
}

/** The fingerprint of what the other end of a TLS connection proved to hold the key of; null without a certificate. */
export function remoteFingerprint(socket: TLSSocket): string | null {
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? null : fingerprintOf(certificate.raw)
}

/** Compares in constant time; anything that is not a fingerprint equals nothing. */
export function sameFingerprint(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return false
  if (!FINGERPRINT.test(one) || !FINGERPRINT.test(other)) return false
  return timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'))
}
