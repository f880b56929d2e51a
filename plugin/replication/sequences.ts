import type { StatementResult } from '../db/script.ts'
import { inTransaction } from '../db/transaction.ts'
import type { ApplyContext } from './batch.ts'
import { advanceSequence, executeAdvance, UNHURRIED } from './queries/apply.ts'
import {
  readSequenceLinks,
  readSequences,
  type SequenceLink,
  type SequenceState,
} from './queries/catalogue.ts'
import { displayName } from './table-description.ts'
import type { TablePair } from './table-pairs.ts'

/** Moves every sequence to where the active's is. Read after the batch's snapshot, so never behind the rows of it. */
export async function applySequences(context: ApplyContext): Promise<void> {
  await advanceSequences(context, await readAllSequences(context))
}

export function readAllSequences(context: ApplyContext): Promise<readonly SequenceState[]> {
  const { observer, config, states } = context
  return readSequences(observer, config.replicatedSchemas, states.excludedSourceOids())
}

async function advanceSequences(
  context: ApplyContext,
  found: readonly SequenceState[],
): Promise<void> {
  const { writer, states, sequences } = context
  for (const sequence of found) {
    const name = displayName(sequence)
    if (sequence.lastValue === null || sequences.get(name) === sequence.lastValue) continue
    if (await advanceSequence(writer, sequence, 0)) sequences.set(name, sequence.lastValue)
    else states.sequenceMissing(name)
  }
}

/** The same between batches. Nothing waits for it: sequences that are lost in a crash are read again. */
export async function moveSequences(
  context: ApplyContext,
  found: readonly SequenceState[],
): Promise<void> {
  if (found.length === 0) return
  await inTransaction(context.writer, () => advanceSequences(context, found), UNHURRIED)
}

/**
 * Which sequences may have moved when a table has changed: those that belong to it or that its defaults use, and those
 * that belong to no table at all. The others are moved every two seconds.
 */
export class SequenceLinks {
  #links: readonly SequenceLink[] = []
  readonly #byOid = new Map<string, SequenceLink>()

  async load(context: ApplyContext): Promise<void> {
    const { observer, config, states } = context
    const schemas = config.replicatedSchemas
    this.#links = await readSequenceLinks(observer, schemas, states.excludedSourceOids())
    this.#byOid.clear()
    for (const link of this.#links) this.#byOid.set(link.oid, link)
  }

  oidsFor(pairs: readonly TablePair[]): readonly string[] {
    const tables = new Set(pairs.map((pair) => pair.source.oid))
    return this.#links
      .filter(({ tableOids }) => tableOids.length === 0 || tableOids.some((oid) => tables.has(oid)))
      .map((link) => link.oid)
  }

  /** Those that stand elsewhere than what is known of them, with the statement that moves them here. */
  moved(
    result: StatementResult,
    known: ReadonlyMap<string, string>,
  ): readonly { readonly name: string; readonly value: string; readonly sql: string }[] {
    return result.rows.flatMap(([oid, value]) => {
      const link = this.#byOid.get(oid ?? '')
      if (link === undefined || value == null) return []
      const name = displayName(link)
      if (known.get(name) === value) return []
      return [{ name, value, sql: executeAdvance(link, value) }]
    })
  }
}
