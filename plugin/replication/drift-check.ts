import type { CheckReport, DifferentRow, TableDifference } from '../api/status-document.ts'
import { HIDDEN, isSecretColumn } from '../core/secret-columns.ts'
import { copyBetween } from '../db/copy.ts'
import { describeSqlError, isTransient } from '../db/sql-state.ts'
import { HotStandbyError } from '../errors.ts'
import { quoteLiteral, type QuotedName } from '../db/identifiers.ts'
import { applyWholeTable } from './apply-table.ts'
import type { ApplyContext } from './batch.ts'
import { actAsReplica, copyTarget, deleteByKeys, selectByKeys } from './queries/apply.ts'
import { type KeyHash, readBuckets, readKeyHashes, readRowTexts } from './queries/drift.ts'
import { saveChecked } from './queries/position.ts'
import { excludedColumns, type TableDescription } from './table-description.ts'
import type { TablePair } from './table-pairs.ts'

const SHOWN_KEYS = 20
const REPAIR_PORTION = 500
/** A comparison of everything is dear: so often it begins again when its batch was ended by something that passes. */
const ATTEMPTS = 4

/** One comparison of both servers at the cut of a batch; it runs inside the batch, so nothing can move meanwhile. */
export class DriftCheck {
  readonly #repair: boolean
  /** Differences are repaired, not only found. */
  readonly repairs: boolean
  readonly #schema: QuotedName
  readonly #now: () => number
  readonly #tables: ReadonlySet<string> | null
  readonly #atCut: (context: ApplyContext) => Promise<void>
  readonly #startedAt: number
  #result: CheckReport | null = null
  /** The tables of the report with the rows that the active has. */
  compared: readonly { readonly name: string; readonly rows: number }[] = []
  #attempts = 0
  #resolve: (report: CheckReport) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  readonly report: Promise<CheckReport>

  constructor(input: {
    readonly repair: boolean
    readonly schema: QuotedName
    readonly now: () => number
    /** Only these; all when not given. */
    readonly tables?: ReadonlySet<string>
    /** More work at the same cut. */
    readonly atCut?: (context: ApplyContext) => Promise<void>
  }) {
    this.#tables = input.tables ?? null
    this.#atCut = input.atCut ?? (() => Promise.resolve())
    this.#repair = input.repair
    this.repairs = input.repair
    this.#schema = input.schema
    this.#now = input.now
    this.#startedAt = input.now()
    this.report = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.report.catch(() => undefined)
  }

  /** Compares, and repairs when asked, inside the transactions of a batch. */
  async run(context: ApplyContext, pairs: readonly TablePair[]): Promise<void> {
    const differences: TableDifference[] = []
    const compared: { readonly name: string; readonly rows: number }[] = []
    const chosen = pairs.filter((pair) => this.#tables?.has(pair.name) ?? true)
    for (const pair of chosen) {
      const outcome = await this.#compare(context, pair)
      compared.push({ name: pair.name, rows: outcome.rows })
      if (outcome.difference !== null) differences.push(outcome.difference)
      await saveChecked(context.writer, this.#schema, pair.target, outcome.rows)
    }
    await this.#atCut(context)
    this.compared = compared
    this.#result = {
      at: new Date(this.#startedAt).toISOString(),
      durationMs: this.#now() - this.#startedAt,
      tables: chosen.length,
      rows: compared.reduce((sum, { rows }) => sum + rows, 0),
      repaired: this.#repair && differences.length > 0,
      differences,
    }
  }

  /** The batch is committed: the report is true. */
  finish(announce: (report: CheckReport) => void): void {
    if (this.#result === null) return
    announce(this.#result)
    this.#resolve(this.#result)
  }

  /** Its batch failed. A lock in the way or a lost connection passes: the next batch tries once more. */
  interrupted(error: unknown): void {
    this.#attempts++
    if (isTransient(error) && this.#attempts < ATTEMPTS) return
    const reason = `the comparison was broken off: ${describeSqlError(error)}`
    this.#reject(new HotStandbyError('HS_REPLICATION_FAILED', { reason }, { cause: error }))
  }

  fail(error: HotStandbyError): void {
    this.#reject(error)
  }

  async #compare(
    context: ApplyContext,
    pair: TablePair,
  ): Promise<{ readonly rows: number; readonly difference: TableDifference | null }> {
    const { reader, writer } = context
    const [theirs, ours] = await Promise.all([
      readBuckets(reader, pair.source),
      readBuckets(writer, pair.target),
    ])
    const rows = theirs.reduce((sum, bucket) => sum + bucket.rows, 0)
    const own = new Map(ours.map((bucket) => [bucket.bucket, bucket]))
    const numbers = new Set([...theirs, ...ours].map((bucket) => bucket.bucket))
    const unequal = [...numbers].filter((number) => {
      const their = theirs.find((bucket) => bucket.bucket === number)
      const mine = own.get(number)
      return their?.sum !== mine?.sum || their?.rows !== mine?.rows
    })
    if (unequal.length === 0) return { rows, difference: null }
    const mine = ours.reduce((sum, bucket) => sum + bucket.rows, 0)
    const difference =
      pair.target.key === null
        ? await this.#wholeTable(context, pair, rows, mine)
        : await this.#byKey(context, pair, unequal)
    return { rows, difference }
  }

  async #wholeTable(
    context: ApplyContext,
    pair: TablePair,
    theirs: number,
    ours: number,
  ): Promise<TableDifference> {
    if (this.#repair) await applyWholeTable(transferOf(context, pair, this.#schema))
    return {
      table: pair.name,
      onlyOnActive: Math.max(0, theirs - ours),
      onlyOnStandby: Math.max(0, ours - theirs),
      different: theirs === ours ? 1 : 0,
      keys: [],
      rows: [],
    }
  }

  async #byKey(
    context: ApplyContext,
    pair: TablePair,
    buckets: readonly number[],
  ): Promise<TableDifference> {
    const { reader, writer } = context
    const [theirs, ours] = await Promise.all([
      readKeyHashes(reader, pair.source, buckets),
      readKeyHashes(writer, pair.target, buckets),
    ])
    const own = new Map(ours.map((row) => [row.id, row]))
    const their = new Map(theirs.map((row) => [row.id, row]))
    const onlyOnActive = theirs.filter((row) => !own.has(row.id))
    const onlyOnStandby = ours.filter((row) => !their.has(row.id))
    const different = theirs.filter((row) => own.has(row.id) && own.get(row.id)?.hash !== row.hash)
    const all = [...onlyOnActive, ...onlyOnStandby, ...different]
    // Before the repair: afterwards both sides are equal.
    const rows = await shownRows(context, pair, all.slice(0, SHOWN_KEYS))
    if (this.#repair) await this.#repairKeys(context, pair, all)
    return {
      table: pair.name,
      onlyOnActive: onlyOnActive.length,
      onlyOnStandby: onlyOnStandby.length,
      different: different.length,
      keys: all.slice(0, SHOWN_KEYS).map((row) => shownKey(pair, row)),
      rows,
    }
  }

  async #repairKeys(
    context: ApplyContext,
    pair: TablePair,
    rows: readonly KeyHash[],
  ): Promise<void> {
    if (
      excludedColumns(pair.target).length > 0 ||
      pair.target.key === null ||
      pair.source.key === null
    ) {
      await applyWholeTable(transferOf(context, pair, this.#schema))
      return
    }
    await actAsReplica(context.writer)
    const keys = rows.map((row) => row.key)
    for (let at = 0; at < keys.length; at += REPAIR_PORTION) {
      await deleteByKeys(
        context.writer,
        pair.target,
        pair.target.key,
        keys.slice(at, at + REPAIR_PORTION),
      )
    }
    for (let at = 0; at < keys.length; at += REPAIR_PORTION) {
      const portion = keys.slice(at, at + REPAIR_PORTION)
      const select = selectByKeys(pair.source, pair.source.key, portion, quoteLiteral)
      await copyBetween(context.reader, select, context.writer, copyTarget(pair.target))
    }
  }
}

async function shownRows(
  { reader, writer }: ApplyContext,
  pair: TablePair,
  keys: readonly KeyHash[],
): Promise<readonly DifferentRow[]> {
  const ids = keys.map((row) => row.id)
  const [active, standby] = await Promise.all([
    readRowTexts(reader, pair.source, ids),
    readRowTexts(writer, pair.target, ids),
  ])
  return keys.map((row) => ({
    key: shownKey(pair, row),
    active: active.get(row.id) ?? null,
    standby: standby.get(row.id) ?? null,
  }))
}

/** A token may be the key of its table. */
function shownKey({ target }: TablePair, { key }: KeyHash): string {
  const columns = target.key?.columns ?? []
  return key
    .map((value, index) => (isSecretColumn(columns[index]?.name ?? '') ? HIDDEN : value))
    .join(', ')
}

function transferOf(
  context: ApplyContext,
  pair: TablePair,
  sourceSchema: QuotedName,
): {
  readonly reader: ApplyContext['reader']
  readonly writer: ApplyContext['writer']
  readonly sourceSchema: QuotedName
  readonly source: TableDescription
  readonly target: TableDescription
  readonly tableId: number
} {
  const { reader, writer } = context
  return {
    reader,
    writer,
    sourceSchema,
    source: pair.source,
    target: pair.target,
    tableId: pair.tableId,
  }
}
