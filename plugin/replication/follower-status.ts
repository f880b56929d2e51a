import type {
  CatchUpProgress,
  CheckReport,
  CopyProgress,
  Lag,
  ReplicationPhase,
  ReplicationStatus,
} from '../api/status-document.ts'
import type { EngineEvents } from './engine-events.ts'

/** In sync means: everything up to this long ago is applied. Under load a few changes are always on their way. */
const IN_SYNC_AGE_MS = 5000
const LAG_SAMPLES = 60

/** What a standby says of its following; cheap to read. */
export class FollowerStatus {
  readonly #now: () => number
  readonly #events: EngineEvents
  phase: ReplicationPhase = 'connecting'
  reason = 'connecting to the active server'
  inSync = false
  /** Whether `inSync` was ever found out; until then what was known before still holds. */
  isKnown = false
  initialCopy: CopyProgress | null = null
  catchUp: CatchUpProgress | null = null
  lastBatch: ReplicationStatus['lastBatch'] = null
  lastCheck: CheckReport | null = null
  #rowsBehind = 0
  #bytesBehind = 0
  #caughtUpAt: number | null = null
  #alarmed = false
  readonly #samples: (number | null)[] = []
  #sampledAt = 0

  constructor(now: () => number, events: EngineEvents) {
    this.#now = now
    this.#events = events
  }

  connecting(): void {
    this.phase = 'connecting'
  }

  paused(): void {
    this.phase = 'paused'
    this.reason = 'paused by maintenance mode; goes on from here when it ends'
    this.#setInSync(false)
  }

  copying(reason: string): void {
    this.phase = 'copying'
    this.reason = `copying afresh: ${reason}`
    this.#caughtUpAt = null
    this.#setInSync(false)
  }

  progress(progress: CopyProgress): void {
    this.initialCopy = progress
    this.#events.copyProgress(progress)
  }

  catchingUp(progress: CatchUpProgress): void {
    const { done, total } = progress.changes
    this.catchUp = progress
    this.reason = `catching up: ${done} of ${total} changes`
  }

  /** `bytes`: what the rows take, roughly. */
  behind(rows: number, bytes: number): void {
    this.#rowsBehind = rows
    this.#bytesBehind = bytes
    if (this.phase !== 'streaming') this.phase = 'catchingUp'
  }

  caughtUp(at: number, quarantined: readonly { readonly name: string }[]): void {
    this.#rowsBehind = 0
    this.#settle(at, quarantined)
  }

  applied(
    begunAt: number,
    changes: number,
    quarantined: readonly { readonly name: string }[],
  ): void {
    const at = this.#now()
    this.#rowsBehind = 0
    if (changes > 0)
      this.lastBatch = { at: new Date(at).toISOString(), changes, durationMs: at - begunAt }
    this.#settle(begunAt, quarantined)
  }

  #settle(at: number, quarantined: readonly { readonly name: string }[]): void {
    this.#caughtUpAt = at
    this.phase = 'streaming'
    this.catchUp = null
    const names = quarantined.map((table) => table.name).join(', ')
    this.reason =
      names === '' ? 'changes are applied as they come' : `cannot be synchronised: ${names}`
    if (this.#alarmed && names === '') {
      this.#alarmed = false
      this.#events.history('synchronisationRecovered', 'changes are applied again', {})
    }
    this.#setInSync(names === '' && this.#now() - at < IN_SYNC_AGE_MS)
    this.#sample()
  }

  /** Waiting for the active is no failure of ours; what was in sync stays so until we know better. */
  failed(reason: string, waiting: boolean): void {
    this.phase = waiting ? 'connecting' : 'failed'
    this.catchUp = null
    this.reason = reason
    if (waiting || this.#alarmed) return
    this.#alarmed = true
    this.#setInSync(false)
    this.#events.history('synchronisationFailed', reason, {})
  }

  checked(report: CheckReport): void {
    this.lastCheck = report
  }

  lag(): Lag | null {
    if (this.#caughtUpAt === null) return null
    const streaming = this.phase === 'streaming' && this.#rowsBehind === 0
    const ageMs = streaming ? 0 : Math.max(0, this.#now() - this.#caughtUpAt)
    const bytes = this.#rowsBehind === 0 ? 0 : Math.round(this.#bytesBehind)
    return { ageMs, rows: this.#rowsBehind, bytes }
  }

  recentLagMs(): readonly (number | null)[] {
    return this.#samples
  }

  #sample(): void {
    if (this.#now() - this.#sampledAt < 1000) return
    this.#sampledAt = this.#now()
    this.#samples.push(this.lag()?.ageMs ?? null)
    if (this.#samples.length > LAG_SAMPLES) this.#samples.shift()
  }

  #setInSync(inSync: boolean): void {
    this.inSync = inSync
    this.isKnown = true
    this.#events.inSync(inSync)
  }
}
