import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  fingerprintPartOf,
  formatAccessCode,
  makeSecret,
  parseAccessCode,
} from '../../../plugin/channel/access-code-format.ts'

const fingerprints = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('access code', () => {
  it('survives being written, and typed in any case, with any separators', () => {
    fc.assert(
      fc.property(fingerprints, fc.boolean(), (bytes, lower) => {
        const fingerprintPart = fingerprintPartOf(Buffer.from(bytes).toString('hex'))
        const parts = { fingerprintPart, secret: makeSecret() }
        const code = formatAccessCode(parts)
        assert.match(code, /^([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]{5}$/)
        const typed = lower ? code.toLowerCase().replaceAll('-', '') : code.replaceAll('-', ' - ')
        assert.deepEqual(parseAccessCode(typed), parts)
      }),
    )
  })

  it('holds the first 80 bits of the fingerprint', () => {
    const fingerprint = `${'f'.repeat(20)}${'0'.repeat(44)}`
    assert.equal(fingerprintPartOf(fingerprint), 'Z'.repeat(16))
    const changed = `${'f'.repeat(19)}e${'0'.repeat(44)}`
    assert.notEqual(fingerprintPartOf(changed), fingerprintPartOf(fingerprint))
  })

  it('detects nearly every single mistyped character and exchange of neighbours', () => {
    const code = formatAccessCode({ fingerprintPart: '0123456789ABCDEF', secret: 'GHJKMNPQRSTV' })
    const plain = code.replaceAll('-', '')
    let missed = 0
    let tried = 0
    for (let at = 0; at < plain.length; at += 1) {
      for (const other of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
        if (other === plain.charAt(at)) continue
        tried += 1
        try {
          parseAccessCode(plain.slice(0, at) + other + plain.slice(at + 1))
          missed += 1
        } catch {
          // Refused, as it should be.
        }
      }
    }
    assert.ok(missed / tried < 0.01, `${missed} of ${tried}`)
  })

  it('does not repeat secrets', () => {
    const secrets = new Set(Array.from({ length: 1000 }, makeSecret))
    assert.equal(secrets.size, 1000)
  })
})
