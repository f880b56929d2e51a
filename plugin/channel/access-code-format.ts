import { createHash, randomBytes } from 'node:crypto'
import { HotStandbyError } from '../errors.ts'

/*
 * An access code is 30 characters of Crockford's base 32 in six groups: 16 for the first 80 bits of the primary's
 * fingerprint, 12 for a random secret of 60 bits, 2 as a check against typing errors.
 */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const FINGERPRINT_CHARACTERS = 16
const SECRET_CHARACTERS = 12
const CHECK_CHARACTERS = 2
const GROUP = 5

export interface AccessCodeParts {
  /** The first 80 bits of the primary's certificate fingerprint, as base 32. */
  readonly fingerprintPart: string
  /** 60 random bits, as base 32. */
  readonly secret: string
}

/** A new random secret. */
export function makeSecret(): string {
  // 256 is a multiple of 32, so every character is equally likely.
  return [...randomBytes(SECRET_CHARACTERS)].map((byte) => ALPHABET.charAt(byte % 32)).join('')
}

/** What a code says of the key that made it. */
export function fingerprintPartOf(fingerprint: string): string {
  const bits = BigInt(`0x${fingerprint}`)
    .toString(2)
    .padStart(256, '0')
    .slice(0, FINGERPRINT_CHARACTERS * 5)
  return base32OfBits(bits)
}

/** As people read and type it: `XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX`. */
export function formatAccessCode(parts: AccessCodeParts): string {
  const payload = parts.fingerprintPart + parts.secret
  const all = payload + checkOf(payload)
  return (all.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-')
}

/**
 * Reads a typed code: case, spaces and hyphens do not matter, O is 0, I and L are 1. Errors: HS_ACCESS_CODE_REFUSED,
 * which never repeats the code.
 */
export function parseAccessCode(typed: string): AccessCodeParts {
  const plain = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
  const length = FINGERPRINT_CHARACTERS + SECRET_CHARACTERS + CHECK_CHARACTERS
  if (/[^0-9A-HJKMNP-TV-Z]/.test(plain))
    throw malformed('it holds characters that no access code has')
  if (plain.length !== length)
    throw malformed(`it has ${plain.length} characters instead of ${length}`)
  const payload = plain.slice(0, -CHECK_CHARACTERS)
  if (checkOf(payload) !== plain.slice(-CHECK_CHARACTERS))
    throw malformed('a character of it is mistyped')
  return {
    fingerprintPart: payload.slice(0, FINGERPRINT_CHARACTERS),
    secret: payload.slice(FINGERPRINT_CHARACTERS),
  }
}

function checkOf(payload: string): string {
  const digest = createHash('sha256').update(`hot-standby access code ${payload}`).digest()
  return base32OfBits(digest.readUInt16BE(0).toString(2).padStart(16, '0').slice(0, 10))
}

function base32OfBits(bits: string): string {
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET.charAt(parseInt(five, 2))).join('')
}

function malformed(reason: string): HotStandbyError {
  const remedy = 'Type the access code again, as the primary shows it: six groups of five.'
  const fields = [{ field: 'accessCode', value: '(not shown)', message: reason, remedy }]
  return new HotStandbyError('HS_ACCESS_CODE_REFUSED', { fields, remedy })
}
