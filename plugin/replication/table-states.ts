import { describeSqlError } from '../db/sql-state.ts'
import type { TableSignal } from './queries/catalogue.ts'
import type { WindowTable } from './queries/journal.ts'
import type { ReplicatedTableRow, saveTableStates } from './queries/position.ts'
import type { TableCatalogue } from './table-catalogue.ts'
import { displayName, rowBytesOf } from './table-description.ts'
import type { TablePair, TablePairing } from './table-pairs.ts'
import { signalOf, structuresOf, textOf } from './table-signal.ts'
import type { TableWork } from './batch.ts'
import type { CopiedTables } from './copied-tables.ts'

type StateToSave = Parameters<typeof saveTableStates>[2][number]

interface TableState {
  readonly state: 'replicated' | 'quarantined'
  readonly reason: string | null
  /** The signal under which the table was last copied or seen in order; null: never. */
  readonly signal: string | null
  readonly rows?: number | null
  readonly lastChangeAt?: string | null
  readonly lastCheckedAt?: string | null
}

/**
 * What is known of every table: how both sides pair up, which are quarantined and why, which must be copied as a
 * whole. Changes wait until the batch that brings them is committed.
 */
export class TableStates {
  #pairing: TablePairing = { pairs: [], broken: [] }
  #structures = ''
  #adopt = false
  #excludedOids: readonly string[] = []
  #target: TableCatalogue | null = null
  readonly #states = new Map<string, TableState>()
  readonly #pending = new Map<string, TableState>()
  readonly #recopy = new Map<string, string>()
  readonly #copied = new Map<string, number>()
  readonly #inPlace = new Set<string>()
  readonly #failedTrials = new Set<string>()
  readonly #missingSequences = new Set<string>()
  #touched: ReadonlySet<string> = new Set()
  #signals: ReadonlyMap<number, TableSignal> = new Map()
  #isPairedAnew = false

  constructor(stored: readonly ReplicatedTableRow[]) {
    for (const row of stored) {
      this.#states.set(displayName(row), {
        state: row.state,
        reason: row.reason,
        signal: row.sourceSignal,
        rows: row.rowCount,
        lastChangeAt: row.lastChangeAt,
        lastCheckedAt: row.lastCheckedAt,
      })
    }
  }

  /** The tables are known to be equal now: the next look at the signals only remembers them. */
  adoptSignals(): void {
    this.#adopt = true
  }

  /** Something in the catalogue is not as it was when the last batch looked. */
  differ(signals: ReadonlyMap<number, TableSignal>): boolean {
    if (signals.size !== this.#signals.size || this.#pairing.broken.length > 0) return true
    return [...signals].some(([id, signal]) => {
      const known = this.#signals.get(id)
      return (
        known === undefined ||
        textOf(known) !== textOf(signal) ||
        known.captured !== signal.captured
      )
    })
  }

  pairs(): readonly TablePair[] {
    return this.#pairing.pairs
  }

  target(): TableCatalogue | null {
    return this.#target
  }

  knowsId(tableId: number): boolean {
    return this.#signals.has(tableId)
  }

  /** What the changed rows take, roughly. */
  bytesOf(window: readonly WindowTable[]): number {
    const sources = new Map(this.#pairing.pairs.map(({ tableId, source }) => [tableId, source]))
    return window.reduce((sum, { tableId, changes }) => {
      const source = sources.get(tableId)
      return source === undefined ? sum : sum + changes * rowBytesOf(source)
    }, 0)
  }

  excludedSourceOids(): readonly string[] {
    return this.#excludedOids
  }

  isReplicated(name: string): boolean {
    return this.#now(name)?.state === 'replicated'
  }

  /** Names and reasons of the tables that are not applied now. */
  quarantined(): readonly { readonly name: string; readonly reason: string }[] {
    return [...this.#states]
      .filter(([, state]) => state.state === 'quarantined')
      .map(([name, state]) => ({ name, reason: state.reason ?? '' }))
  }

  all(): ReadonlyMap<string, TableState> {
    return this.#states
  }

  missingSequences(): readonly string[] {
    return [...this.#missingSequences]
  }

  /** The catalogue is read again only when something in it has moved, or while tables differ. */
  needsPairing(signals: ReadonlyMap<number, TableSignal>): boolean {
    const moved = structuresOf(signals) !== this.#structures
    return moved || this.#pairing.broken.length > 0 || this.quarantined().length > 0
  }

  /** `signals`: of the same snapshot as the catalogues. */
  setPairing(
    pairing: TablePairing,
    source: TableCatalogue,
    target: TableCatalogue,
    signals: ReadonlyMap<number, TableSignal>,
  ): void {
    this.#structures = structuresOf(signals)
    this.#pairing = pairing
    this.#isPairedAnew = true
    this.#target = target
    this.#excludedOids = source.excludedOids
    const known = new Set([
      ...pairing.pairs.map((pair) => pair.name),
      ...pairing.broken.map(displayName),
    ])
    for (const name of this.#states.keys()) if (!known.has(name)) this.#states.delete(name)
  }

  /** Compares the signals with those of the last commit; decides what is copied afresh and what is quarantined. */
  observe(signals: ReadonlyMap<number, TableSignal>, explained: ReadonlySet<number>): void {
    this.#signals = signals
    for (const table of this.#pairing.broken) this.#quarantine(displayName(table), table.reason)
    for (const pair of this.#pairing.pairs) {
      const signal = signals.get(pair.tableId)
      if (signal === undefined) continue
      if (!signal.captured) {
        this.#quarantine(
          pair.name,
          'its capture triggers are missing or disabled; run `hot-standby migrate` on the active',
        )
      } else this.#compare(pair, signal, explained.has(pair.tableId))
    }
  }

  #compare(pair: TablePair, signal: TableSignal, explained: boolean): void {
    const known = this.#now(pair.name)
    const text = signalOf(pair, signal)
    if (known?.signal === text && known.state === 'replicated') return
    const released = known?.state === 'quarantined'
    if (known !== undefined && !released && known.signal !== null) {
      const isSameStructure = known.signal.split('/')[0] === text.split('/')[0]
      const why = isSameStructure
        ? 'its rows were rewritten'
        : 'its definition, its triggers or its exclusions changed'
      if (!explained || !isSameStructure) this.#recopy.set(pair.name, why)
      this.#pending.set(pair.name, { state: 'replicated', reason: null, signal: text })
    } else if (!released) {
      if (!this.#adopt) this.#recopy.set(pair.name, '')
      this.#pending.set(pair.name, { state: 'replicated', reason: null, signal: text })
    }
  }

  #quarantine(name: string, reason: string): void {
    const known = this.#now(name)
    if (known?.state === 'quarantined' && known.reason === reason) return
    this.#pending.set(name, { state: 'quarantined', reason, signal: known?.signal ?? null })
  }

  /** Marks a table that could not be applied; outside of a batch, effective at once. */
  quarantine(
    table: { readonly schema: string; readonly name: string },
    reason: string,
  ): StateToSave {
    const name = displayName(table)
    const state: TableState = {
      state: 'quarantined',
      reason,
      signal: this.#states.get(name)?.signal ?? null,
    }
    this.#states.set(name, state)
    return {
      schema: table.schema,
      name: table.name,
      state: 'quarantined',
      reason,
      signal: null,
      changed: false,
      rows: null,
    }
  }

  trialFailed(pair: TablePair, cause: unknown): void {
    this.#failedTrials.add(pair.name)
    this.#pending.set(pair.name, {
      state: 'quarantined',
      reason: describeSqlError(cause),
      signal: null,
    })
  }

  /** A table is to be copied afresh in the next batch. */
  requestCopy(name: string, reason: string): void {
    this.#recopy.set(name, reason)
  }

  /** In the present batch all rows of the table were copied. */
  copied(name: string, rows: number): void {
    this.#copied.set(name, rows)
  }

  /** Both servers were compared at the cut of a batch that is committed. */
  checked(tables: readonly { readonly name: string; readonly rows: number }[]): void {
    const lastCheckedAt = new Date().toISOString()
    for (const { name, rows } of tables) {
      const known = this.#states.get(name)
      if (known !== undefined) this.#states.set(name, { ...known, rows, lastCheckedAt })
    }
  }

  sequenceMissing(name: string): void {
    this.#missingSequences.add(name)
  }

  /** In a copy that may take several rounds: the table is here, and is copied again only when something is new. */
  inPlace(name: string): void {
    this.#recopy.delete(name)
    this.#inPlace.add(name)
  }

  /** What a batch has to do, table by table; `copied` in a copy. */
  work(
    window: readonly WindowTable[],
    retryQuarantined: boolean,
    copied: CopiedTables | null,
  ): readonly TableWork[] {
    const changes = new Map(window.map((table) => [table.tableId, table]))
    return this.#pairing.pairs.flatMap((pair): readonly TableWork[] => {
      const quarantined = this.#now(pair.name)?.state === 'quarantined'
      const mayRetry = this.#signals.get(pair.tableId)?.captured === true
      if (quarantined && !(retryQuarantined && mayRetry)) return []
      if (quarantined) return [{ pair, whole: 'tried again', onTrial: true }]
      const onTrial = copied !== null
      const isMissing = copied?.snapshotOf(pair.tableId) === null
      const why = this.#recopy.get(pair.name) ?? (isMissing ? '' : undefined)
      const change = changes.get(pair.tableId)
      if (why !== undefined) return [{ pair, whole: why, onTrial }]
      if (change === undefined) return []
      const whole = change.wholeTable || pair.capture === 'wholeTable' ? '' : null
      return [{ pair, whole, onTrial }]
    })
  }

  #now(name: string): TableState | undefined {
    return this.#pending.get(name) ?? this.#states.get(name)
  }

  /** The only tables whose state may stay stored, when that is not known to be so: others were missed meanwhile. */
  onlyKnown(): readonly Pick<StateToSave, 'schema' | 'name'>[] | null {
    if (!this.#isPairedAnew) return null
    return [...this.#pairing.pairs.map(({ target }) => target), ...this.#pairing.broken]
  }

  /** What is to be saved with the batch. */
  pending(work: readonly TableWork[]): readonly StateToSave[] {
    for (const item of work) {
      if (item.onTrial && !this.#failedTrials.has(item.pair.name)) this.#release(item.pair)
    }
    const touched = new Set([...work.map((item) => item.pair.name), ...this.#inPlace])
    this.#touched = touched
    const tables = new Map<string, { readonly schema: string; readonly name: string }>([
      ...this.#pairing.pairs.map((pair) => [pair.name, pair.target] as const),
      ...this.#pairing.broken.map((table) => [displayName(table), table] as const),
    ])
    const names = new Set([...this.#pending.keys(), ...touched])
    return [...names].flatMap((name) => {
      const table = tables.get(name)
      if (table === undefined) return []
      const state = this.#now(name) ?? { state: 'replicated', reason: null, signal: null }
      return [
        {
          schema: table.schema,
          name: table.name,
          state: state.state,
          reason: state.reason,
          signal: state.signal,
          changed: touched.has(name) && state.state === 'replicated',
          rows: this.#copied.get(name) ?? null,
        },
      ]
    })
  }

  #release(pair: TablePair): void {
    const signal = this.#signals.get(pair.tableId)
    const text = signal === undefined ? null : signalOf(pair, signal)
    this.#pending.set(pair.name, { state: 'replicated', reason: null, signal: text })
  }

  /** The batch is committed: its changes are true now. Returns tables that were copied because capture was bypassed. */
  commitPending(): readonly { readonly name: string; readonly reason: string }[] {
    for (const [name, state] of this.#pending)
      this.#states.set(name, { ...this.#states.get(name), ...state })
    this.#pending.clear()
    const at = new Date().toISOString()
    for (const name of this.#touched) {
      const known = this.#states.get(name)
      if (known !== undefined) this.#states.set(name, { ...known, lastChangeAt: at })
    }
    for (const [name, rows] of this.#copied) {
      const known = this.#states.get(name)
      if (known !== undefined) this.#states.set(name, { ...known, rows })
    }
    this.#copied.clear()
    this.#inPlace.clear()
    this.#touched = new Set()
    this.#isPairedAnew = false
    this.#failedTrials.clear()
    if (this.#signals.size > 0) this.#adopt = false
    const recopied = [...this.#recopy].filter(([, reason]) => reason !== '')
    this.#recopy.clear()
    return recopied.map(([name, reason]) => ({ name, reason }))
  }

  /** The batch did not happen; the next one looks again. */
  forgetPending(): void {
    this.#pending.clear()
    this.#copied.clear()
    this.#inPlace.clear()
    this.#failedTrials.clear()
    this.#touched = new Set()
    this.#structures = ''
  }
}
