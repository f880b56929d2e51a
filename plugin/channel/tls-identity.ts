import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { readIfThere, stateUnreadable, writeDurably } from '../files/durable-file.ts'
import { fingerprintOf } from './fingerprint.ts'

/** This server's own key and self-signed certificate. Trust comes from the pinned fingerprint alone. */
export interface TlsIdentity {
  readonly keyPem: string
  readonly certificatePem: string
  /** SHA-256 of the certificate (DER), hex. */
  readonly fingerprint: string
}

const REMEDY =
  'Restore key.pem and certificate.pem from a backup, or remove both and pair the servers again: ' +
  'a new key is made, and the peer knows this server by its old one.'

/**
 * Reads the identity from the state directory, and makes it on the first start. A key without its certificate, or the
 * other way round, is not mended by a new one: the peer would not know this server any more, and nobody would know why.
 * Errors: HS_STATE_UNREADABLE.
 */
export async function loadTlsIdentity(stateDirectory: string): Promise<TlsIdentity> {
  const keyPath = join(stateDirectory, 'key.pem')
  const certificatePath = join(stateDirectory, 'certificate.pem')
  const keyPem = await readIfThere(keyPath)
  const certificatePem = await readIfThere(certificatePath)
  if (certificatePem === null) {
    // The certificate is written last: a key alone is a first start that was interrupted, and nobody has pinned it.
    const made = await makeIdentity()
    await writeDurably(keyPath, made.keyPem)
    await writeDurably(certificatePath, made.certificatePem)
    return made
  }
  if (keyPem === null) throw stateUnreadable(`${keyPath} is missing`, undefined, REMEDY)
  return checkedIdentity(stateDirectory, keyPem, certificatePem)
}

/** A new EC P-256 key with its certificate; not written anywhere. */
export async function makeIdentity(): Promise<TlsIdentity> {
  const made = await generate([{ name: 'commonName', value: 'hot-standby' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // Pinned, never expiring: a clock that is wrong after a repair must not part the pair.
    notBeforeDate: new Date('2000-01-01T00:00:00Z'),
    notAfterDate: new Date('9999-12-31T23:59:59Z'),
  })
  return identityOf(made.private, made.cert)
}

function checkedIdentity(folder: string, keyPem: string, certificatePem: string): TlsIdentity {
  let matches: boolean
  try {
    matches = new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem))
  } catch (cause) {
    // The cause is left out: OpenSSL's errors say nothing useful, and the key's text must not get near a log.
    const which = isReadableKey(keyPem) ? 'certificate.pem' : 'key.pem'
    throw stateUnreadable(
      `${join(folder, which)} is damaged`,
      new Error((cause as Error).name),
      REMEDY,
    )
  }
  if (!matches)
    throw stateUnreadable(
      `${join(folder, 'key.pem')} and certificate.pem do not belong together`,
      undefined,
      REMEDY,
    )
  return identityOf(keyPem, certificatePem)
}

function isReadableKey(keyPem: string): boolean {
  try {
    createPrivateKey(keyPem)
    return true
  } catch {
    return false
  }
}

function identityOf(keyPem: string, certificatePem: string): TlsIdentity {
  const fingerprint = fingerprintOf(new X509Certificate(certificatePem).raw)
  return Object.freeze({ keyPem, certificatePem, fingerprint })
}
