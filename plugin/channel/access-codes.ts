import { HotStandbyError } from '../errors.ts'
import { fingerprintPartOf, formatAccessCode, makeSecret } from './access-code-format.ts'
import { deriveProofKey, isProof, type ProofContext } from './access-proof.ts'
import { createAttemptLimit } from './attempt-limit.ts'

export interface AccessCodes {
  /** Makes a code, shown this once; the one before is void from now on. */
  make(): Promise<{ readonly accessCode: string; readonly expiresAt: string }>
  /**
   * Checks a proof. The returned use must be ended by `consume` or `giveBack`: meanwhile nobody else can use the code.
   * Errors: HS_ACCESS_CODE_REFUSED, HS_TOO_MANY_ATTEMPTS.
   */
  use(proof: string, context: ProofContext, remote: string): CodeUse
  /** The present code is void. */
  revoke(): void
}

export interface CodeUse {
  consume(): void
  giveBack(): void
}

export interface AccessCodesOptions {
  /** Of this server's certificate. */
  readonly fingerprint: string
  readonly validMs?: number
  /** Wrong attempts a minute. */
  readonly perRemote?: number
  readonly inAll?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

const VALID_MS = 600_000
const WRONG_PER_REMOTE = 5
const WRONG_IN_ALL = 20
const REMEMBERED = 8

interface Code {
  readonly key: Buffer
  readonly expiresAt: number
  state: 'valid' | 'inUse' | 'used' | 'void'
}

/** One-time access codes of a primary; held in memory only, and only as derived keys. */
export function createAccessCodes(options: AccessCodesOptions): AccessCodes {
  const now = options.now ?? (() => performance.now())
  const validMs = options.validMs ?? VALID_MS
  const attempts = createAttemptLimit(
    { perRemote: options.perRemote ?? WRONG_PER_REMOTE, inAll: options.inAll ?? WRONG_IN_ALL },
    now,
  )
  /** Newest first. Former codes are remembered to tell their owner what became of them. */
  let codes: readonly Code[] = []
  const voidAll = (): void => {
    for (const code of codes) if (code.state === 'valid') code.state = 'void'
  }
  return {
    async make() {
      const secret = makeSecret()
      const key = await deriveProofKey(secret, options.fingerprint)
      voidAll()
      codes = [{ key, expiresAt: now() + validMs, state: 'valid' as const }, ...codes].slice(
        0,
        REMEMBERED,
      )
      const fingerprintPart = fingerprintPartOf(options.fingerprint)
      return {
        accessCode: formatAccessCode({ fingerprintPart, secret }),
        expiresAt: new Date(Date.now() + validMs).toISOString(),
      }
    },
    use(proof, context, remote) {
      const waitSeconds = attempts.waitSeconds(remote)
      if (waitSeconds > 0) throw new HotStandbyError('HS_TOO_MANY_ATTEMPTS', { waitSeconds })
      const code = matching(codes, proof, context)
      const refusal = refusalOf(code, now())
      if (code === null || refusal !== null) {
        attempts.failed(remote)
        throw new HotStandbyError('HS_ACCESS_CODE_REFUSED', { reason: refusal ?? 'it is wrong' })
      }
      code.state = 'inUse'
      return {
        consume: () => {
          code.state = 'used'
        },
        giveBack: () => {
          if (code.state === 'inUse') code.state = code === codes[0] ? 'valid' : 'void'
        },
      }
    },
    revoke: voidAll,
  }
}

/** All are compared, whichever matches, so that time tells nothing. */
function matching(codes: readonly Code[], proof: string, context: ProofContext): Code | null {
  return codes.filter((code) => isProof(proof, code.key, context))[0] ?? null
}

/** Says what became of a code to those who prove to know it; to others every code is just wrong. */
function refusalOf(code: Code | null, now: number): string | null {
  if (code === null) return 'it is wrong, or from before the last start of the primary'
  if (code.state === 'used') return 'it was already used'
  if (code.state === 'inUse') return 'it is being used at this moment'
  if (code.state === 'void') return 'a newer access code has taken its place'
  return now >= code.expiresAt ? 'its time is over' : null
}
