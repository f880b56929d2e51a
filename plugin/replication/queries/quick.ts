import type { QuotedName } from '../../db/identifiers.ts'
import { quoteLiteral } from '../../db/identifiers.ts'
import { textArrayLiteral } from '../../db/script.ts'
import {
  columnList,
  fromTable,
  journalKey,
  replicatedRows,
  type TableDescription,
  type TableKey,
  travellingColumns,
} from '../table-description.ts'
import { keyIn } from './apply.ts'
import { snapshotLiteral } from './journal.ts'
import type { StoredPosition } from './position.ts'

/** More keys or bytes than these in one table are streamed; what is read at once must fit in memory. */
export const QUICK_ROWS = 1000
const QUICK_BYTES = 262_144

const FIXED_SIZE_TYPES = new Set(
  ['16', '20', '21', '23', '26', '700', '701', '1082', '1083', '1114', '1184', '2950'].values(),
)

/**
 * Keys of one table in the window with their rows as the snapshot has them, prepared as `name`. Row by row through the
 * key's index, whatever the planner thinks of the journal, which is empty at one moment and large at another. The
 * first column says whether all of it was few enough; the second whether the row exists.
 */
export function prepareQuickRead(
  name: string,
  schema: QuotedName,
  table: TableDescription,
  key: TableKey,
  tableId: number,
): string {
  const names = key.columns.map((_, index) => `c${index}`)
  const columns = travellingColumns(table)
  const values = columns.map((_, index) => `v${index}`)
  const same = key.columns.map(
    (column, index) => `t.${columnList([column])} = k.${names[index] ?? ''}`,
  )
  const sizes = columns.flatMap((column, index) =>
    FIXED_SIZE_TYPES.has(column.typeOid)
      ? []
      : [`coalesce(pg_catalog.pg_column_size(m.v${index}), 0)`],
  )
  const bytes = sizes.length === 0 ? '0' : `coalesce(sum(${sizes.join(' + ')}), 0)`
  return `prepare ${name} (pg_snapshot) as
    with k(${names.join(', ')}) as materialized (
      select distinct ${journalKey(key).join(', ')} from ${schema}.journal j
      where j.table_id = ${tableId} and j.op = 'K' and j.xid >= pg_catalog.pg_snapshot_xmin($1)
        and not pg_catalog.pg_visible_in_snapshot(j.xid, $1) limit ${QUICK_ROWS + 1}),
    m as materialized (
      select ${names.map((one) => `k.${one}::text as ${one}`).join(', ')}, r.* from k left join lateral (
        select true as found, ${columns.map((column, index) => `${columnList([column], 't.')} as v${index}`).join(', ')}
        from ${fromTable(table)} t where ${same.join(' and ')} and ${replicatedRows(table)} offset 0) r on true)
    select f.fits::text, m.found::text, ${[...names, ...values].map((one) => `m.${one}`).join(', ')}
    from (select count(*) <= ${QUICK_ROWS} and ${bytes} <= ${QUICK_BYTES} as fits from m) f
    left join m on f.fits`
}

export function executeQuickRead(name: string, applied: string): string {
  return `execute ${name} (${snapshotLiteral(applied)})`
}

/** What one table's changes are, small enough to be held in memory. */
export interface QuickRows {
  readonly keys: readonly (readonly string[])[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Null: too much for a quick batch. */
export function readQuickRows(
  rows: readonly (readonly (string | null)[])[],
  keyColumns: number,
): QuickRows | null {
  if (rows[0]?.[0] !== 'true') return null
  const changed = rows.filter((row) => row[2] !== null)
  return {
    keys: changed.map((row) => row.slice(2, 2 + keyColumns).map((value) => value ?? '')),
    rows: changed.filter((row) => row[1] === 'true').map((row) => row.slice(2 + keyColumns)),
  }
}

export function prepareQuickDelete(name: string, table: TableDescription, key: TableKey): string {
  const types = key.columns.map(() => 'text[]').join(', ')
  return `prepare ${name} (${types}) as
    delete from ${fromTable(table)} t where ${replicatedRows(table)} and ${keyIn(key)}`
}

export function executeQuickDelete(
  name: string,
  key: TableKey,
  keys: readonly (readonly string[])[],
): string {
  const columns = key.columns.map((_, index) =>
    textArrayLiteral(keys.map((values) => values[index] ?? '')),
  )
  return `execute ${name} (${columns.join(', ')})`
}

export const BEGIN_QUICK_APPLY = 'begin'

/** What is lost of the batch in a crash of this server is read again, from the position that is left. */
export const UNHURRIED_COMMIT = 'set local synchronous_commit = off'

/** Fails when somebody else has moved the position. */
export function movePositionStatement(
  schema: QuotedName,
  from: StoredPosition,
  to: StoredPosition,
): string {
  const values = [
    quoteLiteral(from.sourceId),
    `${quoteLiteral(from.generation)}::uuid`,
    quoteLiteral(from.snapshot),
    String(to.sourceTerm),
    snapshotLiteral(to.snapshot),
    `${BigInt(to.tickId)}`,
    snapshotLiteral(to.tickSnapshot),
  ]
  return `select ${schema}.move_position(${values.join(', ')})`
}
