import type { QuotedName } from '../../db/identifiers.ts'
import type { StatementResult } from '../../db/script.ts'
import { type Queryable, textRow } from '../../db/transaction.ts'
import { fromTable, type TableDescription } from '../table-description.ts'
import { snapshotLiteral, type WindowTable } from './journal.ts'
import type { SourceMark } from './source.ts'

/** One look at the active: who it is, what has changed, and whether its disk has what is seen. */
export interface Look {
  readonly mark: SourceMark
  readonly snapshot: string
  /**
   * The write-ahead log is on disk beyond everything that the snapshot sees: a crash can neither take a change of it
   * back nor give its transaction ids out again, just as if a tick of it had been committed.
   */
  readonly flushed: boolean
  readonly window: readonly WindowTable[]
}

const CONDITION = `j.xid >= pg_catalog.pg_snapshot_xmin($1) and not pg_catalog.pg_visible_in_snapshot(j.xid, $1)`

/** Prepared once for each connection: a plan costs more than the look. */
export function prepareLook(schema: QuotedName): string {
  return `prepare hs_look (pg_snapshot) as
    select pg_catalog.pg_current_snapshot()::text, s.role, s.generation::text,
      (select coalesce(max(p.term), 0) from ${schema}.promotion p)::text,
      (select coalesce(max(t.tick_id), 0) from ${schema}.tick t where not t.of_standby)::text,
      (select m.last_value from ${schema}.capture_mode m)::text,
      (pg_catalog.pg_current_wal_flush_lsn() >= pg_catalog.pg_current_wal_insert_lsn())::text,
      w.tables
    from ${schema}.server_state s, (select pg_catalog.string_agg(pg_catalog.concat_ws(':', c.table_id, c.changes, c.whole), ',') as tables
      from (select j.table_id, count(*) as changes, bool_or(j.op = 'W') as whole
        from ${schema}.journal j where ${CONDITION} group by j.table_id) c) w`
}

export function executeLook(applied: string): string {
  return `execute hs_look (${snapshotLiteral(applied)})`
}

export function readLook(result: StatementResult | undefined): Look {
  const row = result?.rows[0]
  if (row === undefined) throw new Error('the active has no state')
  const [snapshot, role, generation, term, newest, mode, flushed, tables] = row
  return {
    snapshot: snapshot ?? '',
    mark: {
      role: role ?? 'off',
      generation: generation ?? '',
      term: Number(term),
      newestOwnTickId: BigInt(newest ?? 0),
      capturing: mode === '2' || mode === '3',
      locked: mode === '3',
    },
    flushed: flushed === 'true',
    window: readTables(tables ?? null),
  }
}

function readTables(text: string | null): readonly WindowTable[] {
  if (text === null) return []
  return text.split(',').map((entry) => {
    const [tableId, changes, whole] = entry.split(':')
    return { tableId: Number(tableId), changes: Number(changes), wholeTable: whole === 't' }
  })
}

/** Locks come before the snapshot: nothing before this statement may need one. */
export function lockStatement(schema: QuotedName, tables: readonly TableDescription[]): string {
  const names = [`${schema}.journal`, ...tables.map((table) => fromTable(table))]
  return `lock table ${names.join(', ')} in access share mode`
}

/** The snapshot of now: when it is that of the last look, nobody has committed anything since. */
export async function readSnapshot(db: Queryable): Promise<string> {
  const row = await textRow(db, 'select pg_catalog.pg_current_snapshot()::text as snapshot')
  return row?.['snapshot'] ?? ''
}

export const BEGIN_LOOK = 'begin isolation level repeatable read read only'

export const PREPARE_SEQUENCES = `prepare hs_sequences (oid[]) as
  select c.oid::text, pg_catalog.pg_sequence_last_value(c.oid)::text from pg_catalog.pg_class c
  where c.oid = any ($1) and c.relkind = 'S'`

/** Where sequences stand; read after the snapshot, so they are never behind its rows. */
export function executeSequences(oids: readonly string[]): string {
  return `execute hs_sequences ('{${oids.map(BigInt).join(',')}}')`
}

/** The reader is going to sleep: whoever writes from now on notifies it. Comes before the snapshot of the last look. */
export function holdBell(schema: QuotedName): string {
  return `select pg_catalog.pg_try_advisory_lock(${schema}.wake_bell())::text`
}

/** When it is not known whether the bell is held. */
export const RELEASE_ALL = 'select pg_catalog.pg_advisory_unlock_all()'

export function releaseBell(schema: QuotedName): string {
  return `select pg_catalog.pg_advisory_unlock(${schema}.wake_bell())::text`
}
