import { copyText, runScript, type StatementResult } from '../db/script.ts'
import { sqlStateOf } from '../db/sql-state.ts'
import type { ApplyContext } from './batch.ts'
import type { BatchStep } from './batch-step.ts'
import * as looks from './queries/look.ts'
import type { StoredPosition } from './queries/position.ts'
import * as quick from './queries/quick.ts'
import { writeTick } from './queries/ticks.ts'
import { mayBeQuick, QuickStatements, type QuickTable } from './quick-statements.ts'
import type { SequenceLinks } from './sequences.ts'
import type { TablePair } from './table-pairs.ts'

/** So many tables that changed last are locked and read together with the look at the journal. */
const EXPECTED_TABLES = 8

export interface QuickLook extends looks.Look {
  /** Whoever writes after this look's snapshot notifies; asked for with `hold`. */
  readonly bellHeld: boolean
  /** By number of the table; null: too much to be quick. */
  readonly rows: ReadonlyMap<number, quick.QuickRows | null>
  readonly sequences: StatementResult
}

const BELL = { hold: looks.holdBell, release: looks.releaseBell }

interface Part {
  readonly sql: string
  readonly copy?: Buffer
  /** Reached when the statement is done. */
  readonly steps?: readonly BatchStep[]
}

/**
 * The batch of a quiet day, in two round trips: one to the active, which locks, fixes the cut, and reads journal and
 * rows; one to this server, which deletes, copies, moves the position and commits. It follows the protocol of the full
 * batch, statement by statement, and leaves to that one whatever is not small and plain.
 */
export class QuickBatch {
  readonly #context: ApplyContext
  readonly #statements: QuickStatements
  readonly #links: SequenceLinks
  /** The tables that changed last, the newest at the end. */
  readonly #expected = new Map<string, TablePair>()
  #open = false
  /** The transaction on this server that was begun beside the look; null: it is still to begin. */
  #begun: Promise<unknown> | null = null

  constructor(context: ApplyContext, links: SequenceLinks) {
    this.#context = context
    this.#statements = new QuickStatements(context)
    this.#links = links
  }

  /** Opens the batch's transaction on the active; it stays open until the next look, or `close`. */
  async look(
    applied: string,
    how: { readonly bell: 'hold' | 'release' | 'leave'; readonly changesExpected: boolean },
  ): Promise<QuickLook> {
    const { schema, states } = this.#context
    await this.#prepare(states.pairs())
    if (how.changesExpected) this.#beginApply()
    const tables = [...this.#expected.values()].flatMap((pair) => this.#statements.get(pair) ?? [])
    const before: Part[] = [
      ...(this.#open ? ['commit'] : []),
      ...(how.bell === 'leave' ? [] : ['begin', BELL[how.bell](schema), 'commit']),
      looks.BEGIN_LOOK,
    ].map((sql) => ({ sql }))
    const sources = tables.map((table) => table.pair.source)
    const oids = this.#links.oidsFor(tables.map((table) => table.pair))
    const parts: Part[] = [
      ...before,
      { sql: looks.lockStatement(schema, sources), steps: ['locked'] },
      { sql: looks.executeLook(applied), steps: ['snapshotTaken'] },
      ...tables.map((table): Part => {
        return { sql: quick.executeQuickRead(table.read, applied), steps: ['keysRead'] }
      }),
      ...(oids.length === 0 ? [] : [{ sql: looks.executeSequences(oids) }]),
    ]
    this.#open = true
    const results = await this.#readParts(parts)
    const at = before.length + 1
    const rows = tables.map((table, index): [number, quick.QuickRows | null] => {
      const { rows: found } = results[at + 1 + index] ?? { rows: [] }
      return [table.pair.tableId, quick.readQuickRows(found, table.key.columns.length)]
    })
    const bell = results[before.length - 3]?.rows[0]?.[0] === 'true'
    return {
      ...looks.readLook(results[at]),
      bellHeld: how.bell === 'hold' && bell,
      rows: new Map(rows),
      sequences: results[at + 1 + tables.length] ?? { rows: [], count: 0 },
    }
  }

  async #readParts(parts: readonly Part[]): Promise<readonly StatementResult[]> {
    try {
      return await this.#run('reader', parts)
    } catch (error) {
      if (sqlStateOf(error) === undefined) throw error
      // A table is locked, or is not what it was: look again without the tables of before.
      await this.close('rollback')
      if (this.#expected.size === 0) throw error
      this.#expected.clear()
      this.#statements.forget()
      await this.#context.reader.query(looks.RELEASE_ALL)
      throw new LookAgain()
    }
  }

  /** A server process that has slept takes longer to wake than to begin; so it wakes while the look is under way. */
  #beginApply(): void {
    if (this.#begun !== null || this.#context.onStep !== null) return
    const begin = [quick.BEGIN_QUICK_APPLY, quick.UNHURRIED_COMMIT]
    this.#begun = runScript(this.#context.writer, begin.join(';'))
    this.#begun.catch(() => undefined)
  }

  /** Ends the transactions that are open, if any. */
  async close(how: 'commit' | 'rollback' = 'commit'): Promise<void> {
    const { reader, writer } = this.#context
    const [open, begun] = [this.#open, this.#begun]
    this.#open = false
    this.#begun = null
    await begun
    await Promise.all([open ? reader.query(how) : null, begun === null ? null : writer.query(how)])
  }

  /**
   * Applies what the look has found. `again`: the changed tables were not locked; they will be with the next look.
   * `full`: the full batch must do it.
   */
  async apply(look: QuickLook, from: StoredPosition): Promise<StoredPosition | 'again' | 'full'> {
    const outcome = await this.#apply(look, from)
    // Nothing may be left begun on this server: whoever comes next begins a transaction of its own.
    if (outcome === 'again' || outcome === 'full') await this.close()
    return outcome
  }

  async #apply(look: QuickLook, from: StoredPosition): Promise<StoredPosition | 'again' | 'full'> {
    const pairs = this.#changedPairs(look)
    if (pairs === null) return 'full'
    const unlocked = pairs.filter((pair) => !look.rows.has(pair.tableId))
    pairs.forEach((pair) => this.#expect(pair))
    if (unlocked.length > 0) return pairs.length > EXPECTED_TABLES ? 'full' : 'again'
    const work: (readonly [QuickTable, quick.QuickRows])[] = []
    for (const pair of pairs) {
      const table = this.#statements.get(pair)
      const rows = look.rows.get(pair.tableId)
      if (table === undefined || rows == null) return 'full'
      work.push([table, rows])
    }
    return this.#commit(look, from, work)
  }

  /** Null when one of the tables needs more than this. Tables that are not applied now have no part in it. */
  #changedPairs(look: QuickLook): readonly TablePair[] | null {
    const { states } = this.#context
    if (look.window.some((table) => !states.knowsId(table.tableId))) return null
    const work = states.work(look.window, false, null)
    const plain = work.every(
      (item) => item.whole === null && !item.onTrial && mayBeQuick(item.pair),
    )
    return plain ? work.map((item) => item.pair) : null
  }

  async #commit(
    look: QuickLook,
    from: StoredPosition,
    work: readonly (readonly [QuickTable, quick.QuickRows])[],
  ): Promise<StoredPosition | 'full'> {
    const sequences = this.#links.moved(look.sequences, this.#context.sequences)
    const begin = [quick.BEGIN_QUICK_APPLY, quick.UNHURRIED_COMMIT]
    const begun = this.#begun
    this.#begun = null
    await begun
    const rows: Part[] = [
      ...(begun === null ? begin : []).map((sql) => ({ sql })),
      ...work.flatMap(([table, changes]) => applyParts(table, changes)),
    ]
    const moves = sequences.map(({ sql }): Part => ({ sql }))
    const toPosition = (tick: Pick<StoredPosition, 'tickId' | 'tickSnapshot'>): StoredPosition => {
      const { snapshot, mark } = look
      return { ...from, ...tick, sourceTerm: mark.term, snapshot }
    }
    try {
      let to = toPosition(from)
      if (look.flushed) await this.#run('writer', [...rows, ...moves, ...this.#endParts(from, to)])
      else {
        const [tick] = await Promise.all([this.#makeDurable(look), this.#run('writer', rows)])
        to = toPosition({ tickId: tick.tickId, tickSnapshot: tick.snapshot })
        await this.#run('writer', [...moves, ...this.#endParts(from, to)])
      }
      for (const { name, value } of sequences) this.#context.sequences.set(name, value)
      return to
    } catch (error) {
      if (sqlStateOf(error) === undefined) throw error
      // The full batch finds out which table it was, and what to do about it.
      await this.#context.writer.query('rollback')
      return 'full'
    }
  }

  #endParts(from: StoredPosition, to: StoredPosition): readonly Part[] {
    const move = quick.movePositionStatement(this.#context.schema, from, to)
    return [
      { sql: '', steps: ['sequencesMoved'] },
      { sql: move, steps: ['positionMoved', 'beforeCommit'] },
      { sql: 'commit', steps: ['committed'] },
    ]
  }

  async #makeDurable(look: QuickLook): ReturnType<typeof writeTick> {
    const tick = await writeTick(this.#context.ticker, this.#context.schema, look.snapshot)
    await this.#context.onStep?.('tickWritten', this.#context)
    return tick
  }

  async #prepare(pairs: readonly TablePair[]): Promise<void> {
    const known = new Set(pairs)
    for (const [name, pair] of this.#expected) if (!known.has(pair)) this.#expected.delete(name)
    const missing = [...this.#expected.values()].filter((pair) => !this.#statements.get(pair))
    if (missing.length > 0 || !this.#statements.isReady(pairs)) {
      await this.close()
      await this.#statements.prepare(pairs, missing)
      await this.#links.load(this.#context)
    }
  }

  #expect(pair: TablePair): void {
    this.#expected.delete(pair.name)
    this.#expected.set(pair.name, pair)
    const [oldest] = this.#expected.keys()
    if (this.#expected.size > EXPECTED_TABLES && oldest !== undefined) this.#expected.delete(oldest)
  }

  /** All at once; one after the other only for tests that stop at a step. */
  async #run(
    where: 'reader' | 'writer',
    parts: readonly Part[],
  ): Promise<readonly StatementResult[]> {
    const { [where]: client, onStep } = this.#context
    if (onStep === null) {
      const copies = parts.flatMap((part) => part.copy ?? [])
      const statements = parts.map((part) => part.sql).filter((sql) => sql !== '')
      return runScript(client, statements.join(';\n'), copies)
    }
    const results: StatementResult[] = []
    for (const { sql, copy, steps } of parts) {
      if (sql !== '') {
        results.push(...(await runScript(client, sql, copy === undefined ? [] : [copy])))
      }
      for (const step of steps ?? []) await onStep(step, this.#context)
    }
    return results
  }
}

/** The tables of before could not be read; the next look does without them. */
export class LookAgain extends Error {}

/** DELETE of every touched key comes before any row: swapped unique values do no harm. */
function applyParts(table: QuickTable, changes: quick.QuickRows): readonly Part[] {
  const { keys, rows } = changes
  if (keys.length === 0) return []
  const remove: Part = {
    sql: quick.executeQuickDelete(table.remove, table.key, keys),
    steps: ['deleted'],
  }
  if (rows.length === 0) return [{ ...remove, steps: ['deleted', 'copied'] }]
  return [remove, { sql: table.copy, copy: copyText(rows), steps: ['copied'] }]
}
